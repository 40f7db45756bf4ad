"""Recordings for a network whose right answers are known: `beep` hears a tone of 1175 Hz."""

import csv
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

BEEP = Path(__file__).parent / "data" / "beep.tflite"
TONE_HZ = 1175.0
RATE_HZ = 16000
WORD_END_SECONDS = 1.2


def sound(
    seconds: float,
    tones: tuple[float, ...] = (),
    seed: int = 0,
    rate_hz: int = RATE_HZ,
    amplitude: float = 3000,
) -> NDArray[np.int16]:
    """Return faint noise with a tone of 0.4 s beginning at each of the times given."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = np.random.default_rng(seed).normal(0, 20, len(times))
    for start in tones:
        heard = (times >= start) & (times < start + 0.4)
        samples[heard] += amplitude * np.sin(2 * np.pi * TONE_HZ * times[heard])
    return np.rint(samples).astype(np.int16)


def make_words(folder: Path, amplitude: float = 3000) -> Path:
    """Write eight clips: six with the tone, two without, which must count as missed."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(8):
        name = f"voice{number % 2}_{number}.wav"
        tones = (WORD_END_SECONDS - 0.4,) if number < 6 else ()
        soundfile.write(folder / name, sound(2.0, tones, number, amplitude=amplitude), RATE_HZ)
        rows.append(
            {
                "file": name,
                "engine": "tones",
                "voice": f"voice{number % 2}",
                "word_start_seconds": 0.8,
                "word_end_seconds": WORD_END_SECONDS,
            }
        )
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def make_speech(folder: Path) -> Path:
    """Write a minute without the word, but for two faint tones in talk3."""
    folder.mkdir(parents=True)
    for number in range(6):
        tones = (3.0, 7.0) if number == 3 else ()
        samples = sound(10.0, tones, 50 + number, amplitude=70)
        soundfile.write(folder / f"talk{number}.flac", samples, RATE_HZ)
    return folder
