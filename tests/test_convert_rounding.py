"""Weights in 8 bits whose average error the biases take back."""

import numpy as np
import pytest
from made_networks import LOG_MEL, made_network

from convert.calibration import posteriors
from convert.material import frames, made_audio
from convert.reading.extract import extract
from convert.step import StepModule
from convert.weight_int8.costly_layers import fitted_weights
from convert.weight_int8.quantised_file import quantise_channels
from convert.weight_int8.rounding import layer_inputs, rounded_kernel, rounded_weights
from convert.weights import NetworkWeights, Weights
from models.settings.network import Network

FRAMES = frames(LOG_MEL, made_audio(16000, seed=5))[:1500]


@pytest.fixture(scope="module", params=[True, False], ids=["reset after", "reset before"])
def weights(request: pytest.FixtureRequest) -> NetworkWeights:
    network = Network(24, 8, 3, (24, 20), reset_after=request.param)
    return extract(made_network(network, FRAMES))


@pytest.fixture(scope="module")
def rounded(weights: NetworkWeights) -> NetworkWeights:
    return rounded_weights(weights, FRAMES)


def assert_in_eight_bits(kernel: Weights) -> None:
    """Each output's weights are whole multiples of its largest over 127."""
    multiples = kernel / (np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / 127.0)
    np.testing.assert_allclose(multiples, np.rint(multiples), rtol=0, atol=1e-4)


def test_kernels_are_in_eight_bits_and_small_ones_stay(
    weights: NetworkWeights, rounded: NetworkWeights
) -> None:
    assert_in_eight_bits(rounded.convolution.kernel)
    for recurrence in rounded.recurrences:
        assert_in_eight_bits(recurrence.kernel)
        assert_in_eight_bits(recurrence.recurrent_kernel)
    np.testing.assert_array_equal(rounded.dense.kernel, weights.dense.kernel)
    np.testing.assert_array_equal(rounded.dense.bias, weights.dense.bias)


def test_products_keep_their_mean(weights: NetworkWeights, rounded: NetworkWeights) -> None:
    """Over the frames that the biases were fitted to, every product's mean is what it was."""
    inputs = layer_inputs(weights, FRAMES)
    expected, found = (
        inputs.windows.mean(axis=0, dtype=np.float64).ravel()
        @ layer.kernel.reshape(-1, layer.kernel.shape[-1])
        + layer.bias
        for layer in (weights.convolution, rounded.convolution)
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)

    gates = slice(None) if rounded.recurrences[0].recurrent_bias is not None else slice(0, 48)
    expected, found = (
        inputs.channels.mean(axis=0, dtype=np.float64) @ gru.kernel
        + gru.bias
        + inputs.states[0].mean(axis=0, dtype=np.float64) @ gru.recurrent_kernel
        + (0.0 if gru.recurrent_bias is None else gru.recurrent_bias)
        for gru in (weights.recurrences[0], rounded.recurrences[0])
    )
    np.testing.assert_allclose(found[gates], expected[gates], rtol=0, atol=1e-6)


def test_errors_are_taken_back_by_the_weights_that_follow() -> None:
    """On inputs that go together the output errs far less than with each weight to its nearest."""
    rng = np.random.default_rng(2)
    inputs = (rng.normal(size=(900, 6)) @ rng.normal(size=(6, 64))).astype(np.float32)
    inputs += rng.normal(scale=0.05, size=inputs.shape).astype(np.float32) + 3.0
    kernel = rng.normal(size=(64, 32))
    rounded, mean_error = rounded_kernel(kernel, inputs)
    quantised, scales = quantise_channels(kernel.T.astype(np.float32))
    nearest = quantised.T * scales.astype(np.float64)
    values = inputs.astype(np.float64)
    np.testing.assert_allclose(mean_error, values.mean(axis=0) @ (rounded - kernel), atol=1e-9)
    errors = [np.std(values @ (each - kernel), axis=0).mean() for each in (nearest, rounded)]
    assert errors[1] < 0.5 * errors[0]
    assert_in_eight_bits(rounded)


def test_layers_that_cost_too_much_keep_sixteen_bits(weights: NetworkWeights) -> None:
    """As many layers as the limit asks for, and no posterior is off by more than it."""
    step = StepModule(weights, 1)
    exact = posteriors(step, FRAMES)
    num_halves = []
    for limit in (1.0, 2e-3, 0.0):
        fitted = fitted_weights(step, FRAMES, limit)
        layers = (fitted.convolution, *fitted.recurrences)
        num_halves.append(sum(is_half(layer.kernel) for layer in layers))
        if limit:
            assert np.abs(posteriors(StepModule(fitted, 1), FRAMES) - exact).max() <= limit
    assert num_halves[0] == 0 <= num_halves[1] <= num_halves[2] == 3


def is_half(kernel: Weights) -> bool:
    return np.array_equal(kernel.astype(np.float16), kernel)
