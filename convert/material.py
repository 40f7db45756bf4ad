"""Audio to calibrate and to check a conversion with: the project's own, or given recordings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import DEFAULT_MODEL
from firmware_py.audio import Resampler, open_recording, read_blocks
from firmware_py.errors import AudioError
from firmware_py.front_end import FrontEnd, frames_of
from firmware_py.level import FULL_SCALE, apply_gain, clip_gain_db, to_int16
from firmware_py.sound_files.containers import READABLE

BUNDLED_RECORDING = DEFAULT_MODEL.with_suffix(".flac")
SECONDS = 60.0
"""The least audio that a conversion is checked on."""

Samples = NDArray[np.int16]
"""[n]"""


def audio_from_files(paths: Sequence[Path], sample_rate_hz: int) -> Samples:
    """Return the recordings one after the other, repeated to last `SECONDS`; int16 [n].

    Raises AudioError for a file that is no recording, and for no file at all.
    """
    if not paths:
        raise AudioError("the folders named hold no recordings; name others")
    samples = np.concatenate([_read(path, sample_rate_hz) for path in paths])
    return np.resize(samples, max(len(samples), round(SECONDS * sample_rate_hz)))


def made_audio(sample_rate_hz: int, seed: int) -> Samples:
    """Return `SECONDS` of the project's own audio, int16 [n]; a seed gives one sound.

    The bundled recording, where it is there, at several levels, between noise, chirps and
    silence: what excites a network and what leaves it at rest.
    """
    rng = np.random.default_rng(seed)
    wanted = round(SECONDS * sample_rate_hz)
    speech = np.zeros(0, np.int16)
    if BUNDLED_RECORDING.exists():
        speech = _read(BUNDLED_RECORDING, sample_rate_hz)
    parts: list[Samples] = []
    while sum(map(len, parts)) < wanted:
        parts += [
            to_int16(FULL_SCALE * _noise(rng, sample_rate_hz)),
            apply_gain(speech, rng.uniform(-24.0, 0.0)),
            to_int16(FULL_SCALE * _chirps(rng, sample_rate_hz)),
            np.zeros(sample_rate_hz, np.int16),
        ]
    return np.concatenate(parts)[:wanted]


def gain_db(front_end: FrontEnd, samples: Samples) -> float | None:
    """Return the gain that brings a clip, [samples], to the front end's level; None: no level."""
    if not front_end.clip_level:
        return None
    return clip_gain_db(front_end.clip_level, float(np.mean(np.square(samples, dtype=np.float64))))


def frames(front_end: FrontEnd, samples: Samples) -> NDArray[np.float32]:
    """Return the frames of a clip at the front end's level, float32 [frames, num_bins]."""
    gain = gain_db(front_end, samples)
    return frames_of(front_end, samples if gain is None else apply_gain(samples, gain))


def audio_paths(sources: Sequence[Path]) -> list[Path]:
    """Return the recordings that `sources` name: files, and the sound files in folders, sorted."""
    paths: list[Path] = []
    for source in sources:
        if source.is_dir():
            found = (path for path in source.rglob("*") if path.suffix.lower() in READABLE)
            paths += sorted(found)
        else:
            paths.append(source)
    return paths


def _read(path: Path, sample_rate_hz: int) -> Samples:
    recording = open_recording(path)
    blocks = list(read_blocks(path))
    if recording.sample_rate_hz == sample_rate_hz:
        return np.concatenate(blocks)
    resampler = Resampler(recording.sample_rate_hz, sample_rate_hz)
    return np.concatenate([*map(resampler.process, blocks), resampler.flush()])


def _noise(rng: np.random.Generator, sample_rate_hz: int) -> NDArray[np.float64]:
    """Return 6 s of white noise whose level changes every quarter of a second."""
    steps_db = rng.uniform(-60.0, -6.0, 24)
    envelope = np.repeat(10.0 ** (steps_db / 20.0), sample_rate_hz // 4)
    noise: NDArray[np.float64] = envelope * rng.standard_normal(len(envelope)) / 4.0
    return noise


def _chirps(rng: np.random.Generator, sample_rate_hz: int) -> NDArray[np.float64]:
    """Return 8 s of half-second chirps with harmonics, as voices have them."""
    times = np.arange(sample_rate_hz // 2) / sample_rate_hz
    chirps = []
    for _ in range(16):
        start_hz, end_hz = rng.uniform(80.0, 400.0, 2)
        phase = 2.0 * np.pi * (start_hz * times + (end_hz - start_hz) * times**2)
        harmonics = np.sum([np.sin(number * phase) / number for number in range(1, 12)], axis=0)
        level = 10.0 ** (rng.uniform(-50.0, -12.0) / 20.0)
        chirps.append(level * np.sin(np.pi * times / times[-1]) * harmonics)
    return np.concatenate(chirps)
