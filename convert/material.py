"""Audio to calibrate and to check a conversion with: the project's own, or given recordings."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import DEFAULT_MODEL
from firmware_py.audio import Resampler, open_recording, read_blocks
from firmware_py.level import FULL_SCALE

BUNDLED_RECORDING = DEFAULT_MODEL.with_suffix(".flac")
SECONDS = 60.0
"""The least audio that a conversion is checked on."""

Samples = NDArray[np.int16]


def audio_from_files(paths: Iterable[Path], sample_rate_hz: int) -> Samples:
    """Return the recordings one after the other, repeated to last `SECONDS`; int16 [n].

    Raises AudioError for a file that is no recording.
    """
    recordings = [_read(path, sample_rate_hz) for path in paths]
    return _repeated(np.concatenate(recordings), sample_rate_hz)


def made_audio(sample_rate_hz: int, seed: int) -> Samples:
    """Return `SECONDS` and more of the project's own audio, int16 [n]; a seed gives one sound.

    The bundled recording, when it is there, at several levels, then noise, chirps and silence:
    what excites a network and what leaves it at rest.
    """
    rng = np.random.default_rng(seed)
    parts = [_noise(rng, sample_rate_hz), _chirps(rng, sample_rate_hz), _pause(sample_rate_hz)]
    if BUNDLED_RECORDING.exists():
        recording = _read(BUNDLED_RECORDING, sample_rate_hz)
        for gain_db in rng.permutation([-24.0, -12.0, -6.0, 0.0]):
            parts.append(_to_int16(recording / FULL_SCALE * 10.0 ** (gain_db / 20.0)))
    return _repeated(np.concatenate(parts), sample_rate_hz)


def audio_paths(sources: Sequence[Path]) -> list[Path]:
    """Return the recordings named by `sources`: files, and the sound files in folders, sorted."""
    paths: list[Path] = []
    for source in sources:
        if source.is_dir():
            found = (path for path in source.rglob("*") if path.suffix.lower() in _SUFFIXES)
            paths += sorted(found)
        else:
            paths.append(source)
    return paths


_SUFFIXES = {".wav", ".flac", ".ogg", ".opus"}


def _read(path: Path, sample_rate_hz: int) -> Samples:
    recording = open_recording(path)
    blocks = list(read_blocks(path))
    if recording.sample_rate_hz == sample_rate_hz:
        return np.concatenate(blocks)
    resampler = Resampler(recording.sample_rate_hz, sample_rate_hz)
    return np.concatenate([*map(resampler.process, blocks), resampler.flush()])


def _repeated(samples: Samples, sample_rate_hz: int) -> Samples:
    wanted = round(SECONDS * sample_rate_hz)
    return np.tile(samples, -(-wanted // len(samples)))


def _noise(rng: np.random.Generator, sample_rate_hz: int) -> Samples:
    """Return 12 s of white noise whose level changes every quarter of a second."""
    steps_db = rng.uniform(-60.0, -6.0, 48)
    envelope = np.repeat(10.0 ** (steps_db / 20.0), sample_rate_hz // 4)
    return _to_int16(envelope * rng.standard_normal(len(envelope)) / 4.0)


def _chirps(rng: np.random.Generator, sample_rate_hz: int) -> Samples:
    """Return 16 chirps of half a second with harmonics, as voices have them."""
    times = np.arange(sample_rate_hz // 2) / sample_rate_hz
    chirps = []
    for _ in range(16):
        start_hz, end_hz = rng.uniform(80.0, 400.0, 2)
        phase = 2.0 * np.pi * (start_hz * times + (end_hz - start_hz) * times**2)
        voices = sum(np.sin(number * phase) / number for number in range(1, 12))
        level = 10.0 ** (rng.uniform(-40.0, -8.0) / 20.0)
        chirps.append(level * np.sin(np.pi * times / times[-1]) * voices)
    return _to_int16(np.concatenate(chirps))


def _pause(sample_rate_hz: int) -> Samples:
    return np.zeros(2 * sample_rate_hz, np.int16)


def _to_int16(samples: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(samples * FULL_SCALE), -32768, 32767).astype(np.int16)
