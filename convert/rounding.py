"""Weights rounded to 8 bits, and what that does on average taken back by the biases.

A rounded kernel errs in proportion to its input. Inputs that are not zero on average, such as
states and whatever a ReLU lets through, make a constant of a part of that error, and a bias takes
a constant back (Nagel et al. 2019, arXiv 1906.04721, section 4.2).
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from convert.calibration import Frames, calls
from convert.step import StepModule
from convert.weight_int8 import LEAST_WEIGHTS, quantise_channels
from convert.weights import Convolution, Dense, NetworkWeights, Recurrence, Weights


class MeanInputs(NamedTuple):
    """The mean of what each layer reads along a stream."""

    frames: Weights
    """[kernel_size, num_bins]"""
    channels: Weights
    """[filters], after the ReLU."""
    states: list[Weights]
    """[units] of each GRU."""


def rounded_weights(step: StepModule, frames: Frames) -> NetworkWeights:
    """Return the weights of `step` as 8 bits hold them, one scale for each output.

    frames: float32 [n, num_bins], a stream that the biases are right for on average.
    """
    weights = step.weights
    means = mean_inputs(step, frames)
    inputs = (means.channels, *means.states)
    return NetworkWeights(
        _rounded_convolution(weights.convolution, means.frames),
        tuple(
            _rounded_recurrence(recurrence, mean, state)
            for recurrence, mean, state in zip(
                weights.recurrences, inputs, means.states, strict=False
            )
        ),
        _rounded_dense(weights.dense, inputs[-1]),
    )


def mean_inputs(step: StepModule, frames: Frames) -> MeanInputs:
    """Return the means over calls of `step` on a stream of frames, float32 [n, num_bins]."""
    convolution = step.weights.convolution
    samples = list(calls(step, frames))
    history = np.array([sample[step.tensors.history.input][0] for sample in samples])
    newest = np.array([sample[step.tensors.frames][0] for sample in samples])
    windows = np.concatenate((history, newest), axis=1)[:, : step.weights.kernel_size]
    products = np.tensordot(windows, convolution.kernel, axes=2) + convolution.bias
    return MeanInputs(
        windows.mean(axis=0, dtype=np.float64),
        np.maximum(0.0, products).mean(axis=0),
        [
            np.mean([sample[state.input][0] for sample in samples], axis=0, dtype=np.float64)
            for state in step.tensors.states
        ],
    )


def _rounded_convolution(convolution: Convolution, mean: Weights) -> Convolution:
    kernel = _rounded(convolution.kernel)
    error = np.tensordot(mean, kernel - convolution.kernel, axes=2)
    return replace(convolution, kernel=kernel, bias=convolution.bias - error)


def _rounded_recurrence(recurrence: Recurrence, mean: Weights, state: Weights) -> Recurrence:
    kernel, recurrent_kernel = _rounded(recurrence.kernel), _rounded(recurrence.recurrent_kernel)
    bias = recurrence.bias - mean @ (kernel - recurrence.kernel)
    error = state @ (recurrent_kernel - recurrence.recurrent_kernel)
    recurrent_bias = recurrence.recurrent_bias
    if recurrent_bias is None:
        # The candidate reads the state through the reset gate: its mean is not the state's.
        bias[: 2 * recurrence.units] -= error[: 2 * recurrence.units]
    else:
        recurrent_bias = recurrent_bias - error
    return Recurrence(kernel, recurrent_kernel, bias, recurrent_bias)


def _rounded_dense(dense: Dense, mean: Weights) -> Dense:
    kernel = _rounded(dense.kernel)
    return replace(dense, kernel=kernel, bias=dense.bias - mean @ (kernel - dense.kernel))


def _rounded(kernel: Weights) -> Weights:
    """Return the kernel as 8 bits hold it; outputs are the last axis."""
    if kernel.size < LEAST_WEIGHTS:
        return kernel
    quantised, scales = quantise_channels(np.moveaxis(kernel, -1, 0).astype(np.float32))
    rounded: Weights = np.moveaxis(quantised.astype(np.float64), 0, -1) * scales
    return rounded
