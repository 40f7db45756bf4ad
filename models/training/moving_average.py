"""Moving averages of a network's weights, which judge and ship better than the last ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
from numpy.typing import NDArray

Weights = list[NDArray[np.float32]]
"""One array, [as the weight], for each weight of a model, in their order."""


def update(averages: Weights, model: keras.Model, momentum: float, step: int) -> Weights:
    """Return the averages after `step`, changed in place; momentum 0: none are kept.

    averages: float32, one array, [as the weight], each; none at first.
    The first steps count more, so that random first weights are soon forgotten.
    """
    if not momentum:
        return averages
    weights: Weights = model.get_weights()
    if not averages:
        return weights
    share = min(momentum, step / (step + 10.0))
    for average, weight in zip(averages, weights, strict=True):
        average += (1.0 - share) * (weight - average)
    return averages


@contextmanager
def averaged(model: keras.Model, averages: Sequence[NDArray[np.float32]]) -> Iterator[None]:
    """Put the averages, if any, into the model for a while; one array, [as the weight], each."""
    own = model.get_weights()
    if averages:
        model.set_weights(averages)
    try:
        yield
    finally:
        model.set_weights(own)
