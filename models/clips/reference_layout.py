"""The reference layout: words dropped at random over a background, and the labels after them.

This is the recipe of the deep-learning course, to the millisecond. All draws come from NumPy's
legacy generator, so that a seed gives the same clips as it gives there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError
from firmware_py.level import ClipLevel, apply_gain, clip_gain_db, to_int16
from models.clips.banks import Banks
from models.clips.positive import Positive
from models.clips.variations import random_stretch
from models.settings.config import Config

Segment = tuple[int, int]
"""First and last millisecond, both included."""

CLIP_MS = 10_000
RETRIES = 6
"""The course counts down from 5 to 0, both included."""


class ReferenceLayout:
    """Drops words at random places over a background, all at one level."""

    def __init__(self, config: Config, banks: Banks) -> None:
        self.banks = banks
        self._config = config
        self._rate_hz = banks.sample_rate_hz
        self._length = round(config.trigger_recipe.clip_seconds * self._rate_hz)
        banks.require("background")
        self._refuse_long_words()

    def compose(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], Sequence[Positive]]:
        """Return the audio of a clip, int16 [samples], and the positives in it."""
        recipe = self._config.trigger_recipe
        background = random_stretch(
            rng, self.banks.draw(rng, "background")[1].samples, self._length
        )
        clip = background.astype(np.float64) * 10 ** (recipe.background_gain_db / 20)
        taken: list[Segment] = []
        words = []
        for role, (fewest, most) in (
            ("positive", recipe.positives),
            ("negative", recipe.negatives),
        ):
            for _ in range(rng.randint(fewest, most + 1) if self.banks.of(role) else 0):
                bank, take = self.banks.draw(rng, role)
                segment = insert(rng, clip, take.samples.astype(np.float64), taken, self._rate_hz)
                if role == "positive":
                    late_ms = (len(take.samples) - take.word_end) * 1000 / self._rate_hz
                    words.append(Positive(self.banks.label_of(bank), segment[1] - late_ms))
        samples = to_int16(clip)
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        return apply_gain(samples, clip_gain_db(ClipLevel(recipe.target_dbfs), power)), words

    def label(
        self, words: Sequence[Positive], num_frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the targets, float32 [steps, labels], and the weights, float32 [steps], all 1."""
        recipe = self._config.trigger_recipe
        num_steps = self._config.network.num_steps(num_frames)
        targets = np.zeros((num_steps, len(self._config.labels)), np.float32)
        for word in words:
            column = targets[:, word.label]
            insert_ones(column, word.end_ms, recipe.label_steps, recipe.clip_seconds * 1000)
        return targets, np.ones(num_steps, np.float32)

    def _refuse_long_words(self) -> None:
        for bank in (*self.banks.of("positive"), *self.banks.of("negative")):
            for take in bank.takes:
                if bank.source.excerpt_seconds is None and len(take.samples) >= self._length:
                    raise AudioError(
                        f"{take.file}: {len(take.samples) / self._rate_hz:.1f} s does not fit into"
                        f" a clip of {self._length / self._rate_hz:g} s; cut it, or let the source"
                        " take excerpts (excerpt_seconds)"
                    )


def random_segment(rng: np.random.RandomState, segment_ms: int, clip_ms: int = CLIP_MS) -> Segment:
    """Return a random place for `segment_ms`, its start uniform over [0, clip_ms - segment_ms)."""
    start = int(rng.randint(0, clip_ms - segment_ms))
    return start, start + segment_ms - 1


def overlaps(segment: Segment, taken: Sequence[Segment]) -> bool:
    """Tell whether `segment` shares a millisecond with any taken one."""
    return any(segment[0] <= last and first <= segment[1] for first, last in taken)


def place(
    rng: np.random.RandomState, segment_ms: int, taken: Sequence[Segment], clip_ms: int = CLIP_MS
) -> Segment | None:
    """Return a free random place, or None when the first try and six more found none."""
    for _ in range(1 + RETRIES):
        segment = random_segment(rng, segment_ms, clip_ms)
        if not overlaps(segment, taken):
            return segment
    return None


def insert(
    rng: np.random.RandomState,
    background: NDArray[np.float64],
    word: NDArray[np.float64],
    taken: list[Segment],
    sample_rate_hz: int,
) -> Segment:
    """Add `word` to `background` in place, at a free random place that joins `taken`.

    Both are float64 [samples] of one scale. Where nothing fits the background stays as it was
    and the result is (clip_ms, clip_ms).
    """
    clip_ms = round(len(background) * 1000 / sample_rate_hz)
    segment = place(rng, round(len(word) * 1000 / sample_rate_hz), taken, clip_ms)
    if segment is None:
        return clip_ms, clip_ms
    taken.append(segment)
    start = segment[0] * sample_rate_hz // 1000
    stretch = background[start : start + len(word)]
    stretch += word[: len(stretch)]
    return segment


def insert_ones(
    labels: NDArray[np.float32], end_ms: float, label_steps: int = 50, clip_ms: float = CLIP_MS
) -> None:
    """Set in place the `label_steps` steps strictly after the word's end; labels: [steps]."""
    end_step = int(end_ms * len(labels) / clip_ms)
    labels[end_step + 1 : end_step + 1 + label_steps] = 1.0
