"""Cutting speech: where it is loud, and pieces with soft edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

TRIM_DB = -33.0
MARGIN_SECONDS = 0.02


@dataclass(frozen=True)
class PhraseClip:
    """Speech, float32 mono [samples], and where in it the phrase is, in seconds."""

    samples: NDArray[np.float32]
    sample_rate_hz: int
    start_seconds: float
    end_seconds: float

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz


def trim_phrase(clip: PhraseClip) -> PhraseClip:
    """Move the borders of the phrase inwards to what is above TRIM_DB of its own peak."""
    first = max(0, round(clip.start_seconds * clip.sample_rate_hz))
    last = min(len(clip.samples), round(clip.end_seconds * clip.sample_rate_hz))
    level = np.abs(clip.samples[first:last])
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (TRIM_DB / 20))
    if not len(loud):
        return replace(clip, start_seconds=0.0, end_seconds=0.0)
    return replace(
        clip,
        start_seconds=(first + int(loud[0])) / clip.sample_rate_hz,
        end_seconds=(first + int(loud[-1]) + 1) / clip.sample_rate_hz,
    )


def cut_clip(clip: PhraseClip, start_seconds: float, end_seconds: float) -> PhraseClip:
    """Return [start, end) of a clip, as far as it reaches, the phrase's place moved along."""
    first = max(0, round(start_seconds * clip.sample_rate_hz))
    last = min(len(clip.samples), round(end_seconds * clip.sample_rate_hz))
    offset = first / clip.sample_rate_hz
    return replace(
        clip,
        samples=clip.samples[first:last],
        start_seconds=clip.start_seconds - offset,
        end_seconds=clip.end_seconds - offset,
    )


def fade(clip: PhraseClip, before_seconds: float, after_seconds: float) -> PhraseClip:
    """Fade the first and the last so many seconds of a clip in and out."""
    samples = clip.samples.copy()
    for seconds, edge in ((before_seconds, samples), (after_seconds, samples[::-1])):
        length = min(int(seconds * clip.sample_rate_hz), len(edge))
        edge[:length] *= half_cosine(length)
    return replace(clip, samples=samples)


def half_cosine(length: int) -> NDArray[np.float32]:
    """Return a rise from 0 to 1, float32 [length]."""
    phase = (np.arange(length) + 0.5) * np.pi / max(length, 1)
    rise: NDArray[np.float32] = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
    return rise
