"""The weights of a trained network, with its batch normalisations folded away."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
Head = Literal["sigmoid", "softmax"]


@dataclass(frozen=True)
class Normalisation:
    """A batch normalisation in use: x * scale + offset, each [channels]."""

    scale: Weights
    offset: Weights

    @classmethod
    def from_statistics(
        cls, gamma: Weights, beta: Weights, mean: Weights, variance: Weights, epsilon: float
    ) -> "Normalisation":
        """Return gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015).

        All but epsilon: float64 [channels].
        """
        scale = gamma / np.sqrt(variance + epsilon)
        return cls(scale, beta - mean * scale)


@dataclass(frozen=True)
class Convolution:
    """Frames to channels, followed by max(0, x)."""

    kernel: Weights
    """[kernel_size, num_bins, filters]"""
    bias: Weights
    """[filters]"""
    stride: int

    def before(self, normalisation: Normalisation) -> "Convolution":
        """Return the convolution that also does what `normalisation` would do to its output."""
        return replace(
            self,
            kernel=self.kernel * normalisation.scale,
            bias=self.bias * normalisation.scale + normalisation.offset,
        )


@dataclass(frozen=True)
class Recurrence:
    """A GRU; its gates are stored in Keras's order: update z, reset r, candidate h."""

    kernel: Weights
    """[inputs, 3 units]"""
    recurrent_kernel: Weights
    """[units, 3 units]"""
    bias: Weights
    """[3 units], added to the input's product."""
    recurrent_bias: Weights | None
    """[3 units], added to the state's product; None: the form with the reset gate before it."""

    @property
    def units(self) -> int:
        return len(self.recurrent_kernel)

    def after(self, normalisation: Normalisation) -> "Recurrence":
        """Return the GRU that also does what `normalisation` would do to its input."""
        kernel, bias = _after(normalisation, self.kernel, self.bias)
        return replace(self, kernel=kernel, bias=bias)


@dataclass(frozen=True)
class Dense:
    """The head: one posterior a label."""

    kernel: Weights
    """[inputs, labels]"""
    bias: Weights
    """[labels]"""
    head: Head

    def after(self, normalisation: Normalisation) -> "Dense":
        """Return the head that also does what `normalisation` would do to its input."""
        kernel, bias = _after(normalisation, self.kernel, self.bias)
        return replace(self, kernel=kernel, bias=bias)


@dataclass(frozen=True)
class NetworkWeights:
    """A whole network, nothing left to fold."""

    convolution: Convolution
    recurrences: tuple[Recurrence, ...]
    dense: Dense

    @property
    def kernel_size(self) -> int:
        return len(self.convolution.kernel)

    @property
    def num_bins(self) -> int:
        return self.convolution.kernel.shape[1]

    @property
    def num_labels(self) -> int:
        return len(self.dense.bias)


def _after(normalisation: Normalisation, kernel: Weights, bias: Weights) -> tuple[Weights, Weights]:
    return kernel * normalisation.scale[:, None], bias + normalisation.offset @ kernel
