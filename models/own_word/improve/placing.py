"""Where the word is in a clip of the device: just before the moment at which the model heard it.

A clip is seconds of a room, with other speech in it: its loudest moment need not be the word. But
the model that made the clip rose at the word, be it too little; so only what comes just before its
highest posterior is looked at.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact
from firmware_py.detector import Detector
from firmware_py.errors import AudioError
from firmware_py.level import apply_gain, clip_gain_db
from firmware_py.streaming.frame_detector import joined
from models.own_word import takes
from models.own_word.improve.labelled import LabelledClip
from models.own_word.takes import SAMPLE_RATE_HZ, Take
from models.recordings.sources import load_samples
from models.recordings.word_place import word_bounds

HEARD = 0.2
"""Posterior from which on the model is taken to have heard something. What the page keeps as a
close miss is above it; what a network says to the beginning of a stream is below."""
LOOKED_BACK_SECONDS = (0.5, 0.8, 1.1, 1.5)
"""From the model's highest posterior. The word's end lies in the first of these stretches; its
beginning in the shortest that does not begin within the word."""
LONGEST_SECONDS = 600.0
"""Of a clip; the device's have two minutes at most."""
MARGIN_SECONDS = 0.3
"""Of the room's own sound, kept on both sides of the word."""


def write_takes(clips: Sequence[LabelledClip], folder: Path, artefact: Artefact, cut: bool) -> int:
    """Write clips as takes with their words' places into `folder`; return how many there are.

    cut: leave out what is far from the word. Clips without the word stay whole.
    Clips that cannot be read are named in the log.
    """
    written = []
    for clip in clips:
        try:
            samples = load_samples(clip.path, SAMPLE_RATE_HZ, LONGEST_SECONDS)
        except AudioError as error:
            takes.log.warning("skipped: %s", error)
            continue
        place = 0, len(samples)
        if clip.right:
            place = placed(samples, heard_at(artefact, samples))
        if clip.right and cut:
            samples, place = _cut(samples, place)
        start, end = (sample / SAMPLE_RATE_HZ for sample in place)
        written.append(Take(clip.path.stem, samples, (start, end)))
    takes.replace_takes(written, folder)
    return len(written)


def heard_at(artefact: Artefact, samples: NDArray[np.int16]) -> int | None:
    """Return the sample up to which the model had heard at its highest posterior.

    None where that is too low to mean anything. samples: int16 [n] at SAMPLE_RATE_HZ.
    """
    metadata = artefact.metadata
    level = metadata.front_end.clip_level
    if level:
        mean_square = float(np.mean(np.square(samples, dtype=np.float64)))
        samples = apply_gain(samples, clip_gain_db(level, mean_square))
    detector = Detector(artefact, sample_rate_hz=SAMPLE_RATE_HZ, gain_db=0.0 if level else None)
    posteriors = joined((detector.steps(samples), detector.last_steps())).posteriors[:, 0]
    if posteriors.max(initial=0.0) < HEARD:
        return None
    seconds = metadata.step_end_seconds(int(posteriors.argmax()))
    return min(len(samples), round(seconds * SAMPLE_RATE_HZ))


def placed(samples: NDArray[np.int16], heard: int | None) -> tuple[int, int]:
    """Return the first sample of the word and the one after its last; samples: int16 [n].

    heard: see `heard_at`; None: the word is what is loudest.
    """
    if heard is None:
        return word_bounds(samples, SAMPLE_RATE_HZ)
    for seconds in LOOKED_BACK_SECONDS:
        first = max(0, heard - round(seconds * SAMPLE_RATE_HZ))
        start, last = (first + it for it in word_bounds(samples[first:heard], SAMPLE_RATE_HZ))
        if seconds == LOOKED_BACK_SECONDS[0]:
            end = last
        if start > first:
            break
    return start, end


def _cut(
    samples: NDArray[np.int16], place: tuple[int, int]
) -> tuple[NDArray[np.int16], tuple[int, int]]:
    margin = round(MARGIN_SECONDS * SAMPLE_RATE_HZ)
    first = max(0, place[0] - margin)
    return samples[first : place[1] + margin], (place[0] - first, place[1] - first)
