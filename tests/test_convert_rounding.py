"""Weights in 8 bits whose average error the biases take back."""

import numpy as np
import pytest
from made_networks import LOG_MEL, made_network

from convert.calibration import calls
from convert.material import frames, made_audio
from convert.reading.extract import extract
from convert.rounding import mean_inputs, rounded_weights
from convert.step import StepModule
from convert.weights import Weights
from models.settings.network import Network

FRAMES = frames(LOG_MEL, made_audio(16000, seed=5))[:1500]


@pytest.fixture(scope="module", params=[True, False], ids=["reset after", "reset before"])
def step(request: pytest.FixtureRequest) -> StepModule:
    network = Network(24, 8, 3, (24, 20), reset_after=request.param)
    return StepModule(extract(made_network(network, FRAMES)), 1)


def assert_in_eight_bits(kernel: Weights) -> None:
    """Each output's weights are whole multiples of its largest over 127."""
    multiples = kernel / (np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / 127.0)
    np.testing.assert_allclose(multiples, np.rint(multiples), rtol=0, atol=1e-4)


def test_kernels_are_in_eight_bits_and_small_ones_stay(step: StepModule) -> None:
    rounded = rounded_weights(step, FRAMES)
    assert_in_eight_bits(rounded.convolution.kernel)
    for recurrence in rounded.recurrences:
        assert_in_eight_bits(recurrence.kernel)
        assert_in_eight_bits(recurrence.recurrent_kernel)
    np.testing.assert_array_equal(rounded.dense.kernel, step.weights.dense.kernel)
    np.testing.assert_array_equal(rounded.dense.bias, step.weights.dense.bias)


def test_products_keep_their_mean(step: StepModule) -> None:
    """Over the frames that the biases were fitted to, every product's mean is what it was."""
    rounded, means = rounded_weights(step, FRAMES), mean_inputs(step, FRAMES)
    before, after = step.weights.convolution, rounded.convolution
    windows = [
        np.concatenate((inputs["history"][0], inputs["frames"][0]))
        for inputs in calls(step, FRAMES)
    ]
    expected = np.mean([np.tensordot(w, before.kernel, 2) + before.bias for w in windows], axis=0)
    found = np.mean([np.tensordot(w, after.kernel, 2) + after.bias for w in windows], axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

    gates = slice(None) if rounded.recurrences[0].recurrent_bias is not None else slice(0, 48)
    (old, _), (new, _) = step.weights.recurrences, rounded.recurrences
    expected, found = (
        means.channels @ gru.kernel
        + gru.bias
        + means.states[0] @ gru.recurrent_kernel
        + (0.0 if gru.recurrent_bias is None else gru.recurrent_bias)
        for gru in (old, new)
    )
    np.testing.assert_allclose(found[gates], expected[gates], rtol=0, atol=1e-9)
