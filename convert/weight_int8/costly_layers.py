"""The layers that 8 bits would cost too much keep 16: a mode `weight-int8` that passes its gate."""

from dataclasses import replace

import numpy as np

from convert.calibration import Frames, posteriors
from convert.step import StepModule, small_exponent
from convert.weight_int8.rounding import rounded_weights
from convert.weights import NetworkWeights, Weights


def fitted_weights(step: StepModule, frames: Frames, limit: float) -> NetworkWeights:
    """Return the weights of `step` in 8 bits, and in 16 where the posteriors ask for it.

    frames: float32 [n, num_bins], a stream. Layer after layer, the one that costs most first,
    gets 16 bits until no posterior along the stream is off by more than `limit`.
    """
    exact = posteriors(step, frames)

    def cost(weights: NetworkWeights) -> float:
        found = posteriors(StepModule(weights, step.num_steps), frames)
        return float(np.abs(found - exact).max())

    fitted = rounded = rounded_weights(step.weights, frames)
    if cost(fitted) <= limit:
        return fitted
    layers = range(1 + len(step.weights.recurrences))
    costs = [cost(_with_layer(step.weights, rounded, layer)) for layer in layers]
    halves = half_weights(step.weights)
    for layer in sorted(layers, key=costs.__getitem__, reverse=True):
        fitted = _with_layer(fitted, halves, layer)
        if cost(fitted) <= limit:
            break
    return fitted


def half_weights(weights: NetworkWeights) -> NetworkWeights:
    """Return the weights with each kernel as floats of 16 bits hold it."""
    return replace(
        weights,
        convolution=replace(weights.convolution, kernel=_half(weights.convolution.kernel)),
        recurrences=tuple(
            replace(
                each,
                kernel=each.kernel.astype(np.float16).astype(np.float64),
                recurrent_kernel=each.recurrent_kernel.astype(np.float16).astype(np.float64),
            )
            for each in weights.recurrences
        ),
    )


def _half(kernel: Weights) -> Weights:
    """Return a convolution's kernel in 16 bits, at the power of two at which `step` stores it."""
    exponent = small_exponent(kernel)
    stored = np.ldexp(kernel, exponent).astype(np.float16).astype(np.float64)
    half: Weights = np.ldexp(stored, -exponent)
    return half


def _with_layer(weights: NetworkWeights, source: NetworkWeights, layer: int) -> NetworkWeights:
    """Return `weights` with one layer of `source`: 0 is the convolution, then come the GRUs."""
    if layer == 0:
        return replace(weights, convolution=source.convolution)
    recurrences = list(weights.recurrences)
    recurrences[layer - 1] = source.recurrences[layer - 1]
    return replace(weights, recurrences=tuple(recurrences))
