"""The step network against Keras, before any conversion."""

import keras
import numpy as np
import pytest
from made_networks import LOG_MEL, SMALL, made_network

from convert.calibration import calls
from convert.material import frames, made_audio
from convert.parity import offline_posteriors
from convert.reading.extract import extract
from convert.reading.trained import for_any_length
from convert.step import StepModule
from convert.weights import NetworkWeights
from models.settings.network import Network

FRAMES = frames(LOG_MEL, made_audio(16000, seed=5))[:500]

NETWORKS = {
    "reset after": SMALL,
    "reset before": Network(24, 8, 3, (20, 16), reset_after=False),
    "one layer": Network(8, 5, 4, (12,)),
    "three layers": Network(8, 12, 2, (12, 6, 9)),
    "stride 1": Network(8, 4, 1, (12,)),
    "history of one call": Network(8, 6, 3, (12,)),
    "softmax": Network(24, 8, 3, (20, 16), head="softmax"),
}


def keras_posteriors(model: keras.Model, frames: np.ndarray) -> np.ndarray:
    return offline_posteriors(for_any_length(model), frames)


def stepped(step: StepModule, frames: np.ndarray) -> np.ndarray:
    """Return the posteriors of whole calls, primed as the device does it."""
    history_frames = step.tensors.history.shape[1]
    state = {name.input: np.zeros(name.shape, np.float32) for name in step.state_tensors}
    state[step.tensors.history.input] = frames[None, :history_frames]
    posteriors = []
    for start in range(history_frames, len(frames) - step.num_frames + 1, step.num_frames):
        block = frames[None, start : start + step.num_frames]
        outputs = step.function(**{step.tensors.frames: block}, **state)
        posteriors.append(outputs[step.tensors.posteriors].numpy()[0])
        state = {name.input: outputs[name.output].numpy() for name in step.state_tensors}
    return np.concatenate(posteriors)


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request: pytest.FixtureRequest) -> tuple[NetworkWeights, np.ndarray]:
    """Return a network's weights and its posteriors over FRAMES by Keras."""
    num_labels = 3 if request.param == "softmax" else 1
    model = made_network(NETWORKS[request.param], FRAMES, num_labels)
    return extract(model), keras_posteriors(model, FRAMES)


@pytest.mark.parametrize("num_steps", [1, 4])
def test_steps_equal_keras(trained: tuple[NetworkWeights, np.ndarray], num_steps: int) -> None:
    weights, expected = trained
    found = stepped(StepModule(weights, num_steps), FRAMES)
    assert len(expected) - len(found) < num_steps
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected[: len(found)], rtol=0, atol=2e-6)


def test_weights_far_below_one_keep_their_value() -> None:
    loud = FRAMES * np.float32(1e6)
    model = made_network(SMALL, loud)
    found = stepped(StepModule(extract(model), 2), loud)
    expected = keras_posteriors(model, loud)
    np.testing.assert_allclose(found, expected[: len(found)], rtol=0, atol=2e-6)


def test_calibration_shows_the_states_that_occur() -> None:
    step = StepModule(extract(made_network(SMALL, FRAMES)), 2)
    shown = list(calls(step, FRAMES))
    assert len(shown) == len(FRAMES) // 6
    assert not shown[0]["state_1"].any()
    np.testing.assert_array_equal(shown[3]["frames"][0], FRAMES[18:24])
    np.testing.assert_array_equal(shown[3]["history"][0], FRAMES[13:18])
    outputs = step.function(**shown[3])
    np.testing.assert_array_equal(shown[4]["state_2"], outputs["next_state_2"].numpy())
