"""The mean and deviation per bin that a front end takes away from its features."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.settings.config import Config


def needs_normalisation(config: Config) -> bool:
    """Tell whether they are to be measured: not without a logarithm, nor where they are given."""
    return config.front_end.log_epsilon is not None and not config.front_end.mean


def normalised(config: Config, frames: NDArray[np.float64]) -> Config:
    """Return the configuration with those of `frames`, [any number of axes, num_bins]."""
    rows = frames.reshape(-1, frames.shape[-1])
    mean = tuple(float(value) for value in np.round(rows.mean(axis=0), 5))
    deviation = tuple(float(value) for value in np.round(rows.std(axis=0), 5))
    return replace(config, front_end=replace(config.front_end, mean=mean, deviation=deviation))
