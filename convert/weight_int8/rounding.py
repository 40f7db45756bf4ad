"""Weights rounded to 8 bits so that the layer that they belong to errs little.

Rounding each weight to the nearest value is not what changes a layer's output least: its inputs go
together, so an error of one weight can be taken back by the next ones (GPTQ: Frantar et al. 2022,
arXiv 2210.17323). What is left on average is a constant, and a bias takes a constant back (Nagel
et al. 2019, arXiv 1906.04721, section 4.2).
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.calibration import Frames, calls_along
from convert.step import StepModule
from convert.weight_int8.quantised_file import LEAST_WEIGHTS, quantise_channels
from convert.weights import Dense, NetworkWeights, Recurrence, Weights

DAMPING = 0.01
"""Added to each input's variance, as a share of it, as in the paper."""

Inputs = NDArray[np.float32]
"""[steps, ...]"""


class LayerInputs(NamedTuple):
    """What each layer reads at every step of a stream."""

    windows: Inputs
    """[steps, kernel_size, num_bins], frames for the convolution."""
    channels: Inputs
    """[steps, filters], after the ReLU."""
    states: list[Inputs]
    """[steps, units] of each GRU."""


def rounded_weights(weights: NetworkWeights, frames: Frames) -> NetworkWeights:
    """Return the weights as 8 bits hold them, one scale for each output.

    frames: float32 [n, num_bins], a stream that stands for what the network will hear.
    """
    inputs = layer_inputs(weights, frames)
    kernel, error = rounded_kernel(weights.convolution.kernel, inputs.windows)
    convolution = replace(weights.convolution, kernel=kernel, bias=weights.convolution.bias - error)
    below = (inputs.channels, *inputs.states)
    recurrences = tuple(
        _rounded_recurrence(recurrence, values, states)
        for recurrence, values, states in zip(
            weights.recurrences, below, inputs.states, strict=False
        )
    )
    return NetworkWeights(convolution, recurrences, _rounded_dense(weights.dense, below[-1]))


def layer_inputs(weights: NetworkWeights, frames: Frames) -> LayerInputs:
    """Return what the layers read along a stream of frames, float32 [n, num_bins]."""
    step = StepModule(weights, 1)
    samples = [inputs for inputs, _ in calls_along(step, frames)]
    history = np.array([sample[step.tensors.history.input][0] for sample in samples])
    newest = np.array([sample[step.tensors.frames][0] for sample in samples])
    windows = np.concatenate((history, newest), axis=1)
    convolution = weights.convolution
    products = np.tensordot(windows, convolution.kernel, axes=2) + convolution.bias
    return LayerInputs(
        windows,
        np.maximum(0.0, products).astype(np.float32),
        [np.array([sample[state.input][0] for sample in samples]) for state in step.tensors.states],
    )


def rounded_kernel(kernel: Weights, inputs: Inputs) -> tuple[Weights, Weights]:
    """Return the kernel as 8 bits hold it, and by how much that moves the mean output, [outputs].

    kernel: float64 [..., outputs]. inputs: float32 [steps, ...]. Small kernels stay as they are.
    """
    rows = kernel.reshape(-1, kernel.shape[-1])
    if kernel.size < LEAST_WEIGHTS:
        return kernel, np.zeros(rows.shape[1])
    values = inputs.reshape(len(inputs), -1).astype(np.float64)
    mean = values.mean(axis=0)
    rounded = _compensated(rows, values - mean)
    return rounded.reshape(kernel.shape), mean @ (rounded - rows)


def _compensated(rows: Weights, centred: Weights) -> Weights:
    """Return rows rounded one after the other, each error taken back by those that follow.

    rows: [inputs, outputs]. centred: [steps, inputs], zero on average.
    """
    deviations = np.sqrt(np.mean(centred**2, axis=0))
    deviations = np.maximum(deviations, 1e-9 * deviations.max(initial=1e-30))
    unit = centred / deviations
    correlations = unit.T @ unit / len(unit) + DAMPING * np.eye(len(rows))
    order = np.argsort(-deviations * np.abs(rows).mean(axis=1), kind="stable")
    taken_back = np.linalg.cholesky(np.linalg.inv(correlations[np.ix_(order, order)])).T
    quantised, scales = quantise_channels(rows.T.astype(np.float32))
    # The largest weight of an output stays at 127: the scale is told from it.
    largest = np.abs(quantised.T) == 127
    rest = (rows * deviations[:, None])[order]
    rounded = np.empty_like(rows)
    for place, index in enumerate(order):
        nearest = np.clip(np.rint(rest[place] / deviations[index] / scales), -127, 127)
        nearest = np.where(largest[index], quantised.T[index], nearest)
        rounded[index] = nearest * scales
        error = (rest[place] - rounded[index] * deviations[index]) / taken_back[place, place]
        rest[place + 1 :] -= np.outer(taken_back[place, place + 1 :], error)
    return rounded


def _rounded_recurrence(recurrence: Recurrence, inputs: Inputs, states: Inputs) -> Recurrence:
    kernel, error = rounded_kernel(recurrence.kernel, inputs)
    recurrent_kernel, recurrent_error = rounded_kernel(recurrence.recurrent_kernel, states)
    bias = recurrence.bias - error
    recurrent_bias = recurrence.recurrent_bias
    if recurrent_bias is None:
        # The candidate reads the state through the reset gate: its mean is not the state's.
        bias[: 2 * recurrence.units] -= recurrent_error[: 2 * recurrence.units]
    else:
        recurrent_bias = recurrent_bias - recurrent_error
    return Recurrence(kernel, recurrent_kernel, bias, recurrent_bias)


def _rounded_dense(dense: Dense, inputs: Inputs) -> Dense:
    kernel, error = rounded_kernel(dense.kernel, inputs)
    return replace(dense, kernel=kernel, bias=dense.bias - error)
