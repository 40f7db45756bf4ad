"""A clip of the word as the detector hears it: with its background around it, and a condition."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.level import to_int16
from models.evaluation.background import active_part, continued_background
from models.evaluation.conditions import (
    AS_RECORDED,
    Condition,
    mix_noise,
    pick_noise,
    resampled,
    set_level,
)
from models.evaluation.selection import EvaluationClip, load_recording

LEAD_IN_SECONDS = 1.0
"""Background before a clip: a live stream never begins with a word."""
TAIL_SECONDS = 1.0
"""Background after a clip, in which a detection still counts."""
SHORTEST_SECONDS = 0.1
"""A shorter clip holds no word."""


@dataclass(frozen=True)
class PresentedClip:
    """What the detector hears of a clip, with its own background before and after."""

    samples: NDArray[np.int16]
    """[samples]"""
    sample_rate_hz: int
    clip_seconds: float
    word_start_seconds: float
    """From the beginning of the samples."""
    word_end_seconds: float


def present(
    clip: EvaluationClip,
    condition: Condition = AS_RECORDED,
    noise: Sequence[Path] = (),
    seed: int = 1,
) -> PresentedClip:
    """Return what the detector hears of a clip; the same arguments give the same samples.

    Raises AudioError for a clip that cannot be read, is digitally silent or too short for a word.
    """
    samples, rate_hz = load_recording(clip.path)
    _refuse_wordless(clip.path, samples, rate_hz)
    rng = np.random.default_rng((seed, zlib.crc32(clip.path.name.encode())))
    lead_in, tail = (round(seconds * rate_hz) for seconds in (LEAD_IN_SECONDS, TAIL_SECONDS))
    background = continued_background(samples, rate_hz, lead_in + tail, rng)
    if condition.after_silence:
        background = np.zeros_like(background)
    whole = np.concatenate((background[:lead_in], samples, background[lead_in:]))
    start, end = (LEAD_IN_SECONDS + seconds for seconds in _word(clip, samples, rate_hz))
    active = slice(round(start * rate_hz), max(round(end * rate_hz), round(start * rate_hz) + 1))
    if condition.snr_db is not None:
        recording = _noise(pick_noise(noise, rng), rate_hz)
        whole = mix_noise(whole, active, recording, condition.snr_db, rng)
    if condition.level_dbfs is not None:
        whole = set_level(whole, whole[active], condition.level_dbfs)
    heard, heard_rate_hz = resampled(to_int16(whole), rate_hz, condition.rate_hz)
    return PresentedClip(heard, heard_rate_hz, len(samples) / rate_hz, start, end)


def _refuse_wordless(path: Path, samples: NDArray[np.int16], rate_hz: int) -> None:
    if not samples.any():
        raise AudioError(f"{path}: the clip is digital silence; record it again or remove it")
    seconds = len(samples) / rate_hz
    if seconds < SHORTEST_SECONDS:
        raise AudioError(
            f"{path}: the clip is {seconds:.3f} s long, shorter than any word; record it again"
        )


def _word(clip: EvaluationClip, samples: NDArray[np.int16], rate_hz: int) -> tuple[float, float]:
    """Return start and end of the word in the clip: as the manifest says, or its energy."""
    start, end = active_part(samples, rate_hz)
    if clip.word_end_seconds is not None:
        end = min(clip.word_end_seconds, len(samples) / rate_hz)
    if clip.word_start_seconds is not None:
        start = clip.word_start_seconds
    return min(start, end), end


@lru_cache(maxsize=16)
def _noise(path: Path, rate_hz: int) -> NDArray[np.float64]:
    samples, own_rate_hz = load_recording(path)
    return resampled(samples, own_rate_hz, rate_hz)[0].astype(np.float64)
