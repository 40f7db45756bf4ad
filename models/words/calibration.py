"""The prior of the unknown: how readily a network answers it, settled on validation clips.

Unknown words in training are many and near to the words; in use they may be neither. Only the
bias of one label is moved, so that clips, streams and artefacts all have it.
"""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from firmware_py.labels import UNKNOWN
from models.words.presented import clip_scores

OFFSETS = tuple(float(value) for value in np.round(np.arange(-4.0, 1.01, 0.25), 2))
"""Log-odds added to the unknown."""


def best_offset(
    posteriors: NDArray[np.float32],
    said: Sequence[int],
    labels: Sequence[str],
    average_steps: int,
) -> float:
    """Return the offset with most right answers; ties: 0, or else the middle of the tied ones.

    posteriors: float32 [clips, steps, labels]; said: the right label of each clip. 0 for labels
    without the unknown.
    """
    if UNKNOWN not in labels:
        return 0.0
    unknown = list(labels).index(UNKNOWN)
    right = [
        sum(
            _answer(with_logit_offset(each, unknown, offset), labels, average_steps) == label
            for each, label in zip(posteriors, said, strict=True)
        )
        for offset in OFFSETS
    ]
    equals = [offset for offset, count in zip(OFFSETS, right, strict=True) if count == max(right)]
    return 0.0 if 0.0 in equals else equals[len(equals) // 2]


def _answer(posteriors: NDArray[np.float32], labels: Sequence[str], average_steps: int) -> int:
    return int(clip_scores(posteriors, labels, average_steps).argmax())


def with_logit_offset(
    posteriors: NDArray[np.float32], label: int, offset: float
) -> NDArray[np.float32]:
    """Return posteriors as if the logit of `label` were higher by `offset`.

    posteriors and result: float32 [steps, labels].
    """
    odds = posteriors.copy()
    odds[:, label] *= np.exp(offset)
    moved: NDArray[np.float32] = odds / odds.sum(axis=1, keepdims=True)
    return moved


def shift_bias(model: keras.Model, label: int, offset: float) -> None:
    """Raise the bias of one label in the network's head."""
    dense = [layer for layer in model.layers if layer.name == "head"][-1]
    *kernels, bias = dense.get_weights()
    bias = bias.copy()
    bias[label] += offset
    dense.set_weights([*kernels, bias])
