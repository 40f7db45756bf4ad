"""Makes the recording bundled with the device package: `python -m models.commands.demonstration`.

A made-up kitchen: four synthetic voices speak, three times the word falls, and once words near
to it. Beside the recording goes a JSON file with the times of the word. Nothing in it was
recorded, so it can be passed on freely.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from firmware_py.errors import TriggerWordError
from models.voices.catalogue import synthesise
from models.voices.engines.voice import Voice
from models.voices.room import Room, reverberate

SAMPLE_RATE_HZ = 16000
PHRASE = "activate"
TARGET = Path(__file__).parents[2] / "firmware_py" / "data" / "activate.flac"
SECONDS = 20.0
NOISE_DBFS = -58.0
SPEECH_DBFS = -24.0
ROOM = Room(t60_seconds=0.25, direct_to_reverberant_db=8.0, seed=11)


@dataclass(frozen=True)
class ScriptLine:
    """One thing said."""

    start_seconds: float
    text: str
    voice: Voice
    rate: float = 165.0
    pitch: float = 50.0


LINES = (
    ScriptLine(1.0, "activate", Voice("flite", "slt")),
    ScriptLine(
        3.6, "what an active afternoon that was", Voice("espeak-ng", "en-GB-x-rp+f2"), 160.0
    ),
    ScriptLine(7.2, "please activate the lamp", Voice("festival", "cmu_us_slt_arctic_hts"), 160.0),
    ScriptLine(10.8, "the activity of the city is an attractive fact", Voice("flite", "rms")),
    ScriptLine(15.6, "now activate", Voice("espeak-ng", "en-US+m3"), 150.0, 40.0),
)


def make_demonstration() -> tuple[NDArray[np.int16], list[dict[str, float | str]]]:
    """Return the samples, int16 [samples] at SAMPLE_RATE_HZ, and where the phrase is said."""
    rng = np.random.default_rng(7)
    samples = _hum(rng)
    said: list[dict[str, float | str]] = []
    for line in LINES:
        speech, span = _speak(line)
        first = round(line.start_seconds * SAMPLE_RATE_HZ)
        samples[first : first + len(speech)] += speech
        if span:
            start, end = (round(line.start_seconds + second, 3) for second in span)
            said.append({"label": PHRASE, "start_seconds": start, "end_seconds": end})
    return np.rint(samples * 32767).astype(np.int16), said


def _speak(line: ScriptLine) -> tuple[NDArray[np.float64], tuple[float, float] | None]:
    """Return one line at the level of the scene, and where in it the phrase is."""
    utterance = synthesise(line.text, line.voice, line.rate, line.pitch)
    dry = soxr.resample(utterance.samples, utterance.sample_rate_hz, SAMPLE_RATE_HZ)
    wet = np.asarray(reverberate(dry, SAMPLE_RATE_HZ, ROOM), np.float64)
    loud = wet[np.abs(wet) > 0.05 * np.abs(wet).max()]
    wet *= 10 ** (SPEECH_DBFS / 20) / np.sqrt(np.mean(loud**2))
    tokens = line.text.split()
    if PHRASE not in tokens:
        return wet, None
    place = tokens.index(PHRASE)
    return wet, utterance.span(place, place + 1, len(tokens))


def _hum(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a quiet room: noise that falls towards high frequencies."""
    length = round(SECONDS * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum /= np.sqrt(np.arange(1, len(spectrum) + 1))
    noise = np.fft.irfft(spectrum, length)
    noise *= 10 ** (NOISE_DBFS / 20) / noise.std()
    return noise


def main() -> int:
    try:
        samples, said = make_demonstration()
    except TriggerWordError as error:
        print(f"python -m models.commands.demonstration: {error}", file=sys.stderr)
        return 2
    soundfile.write(TARGET, samples, SAMPLE_RATE_HZ, "PCM_16")
    TARGET.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
