"""The window network: a convolutional network that moves along the stream, as a step network.

One step is one position of the window. What a call hands to the next is the part of the window
that stays inside, so the artefact runs wherever a recurrent one does.
"""

from typing import Any

import keras
import tensorflow as tf

from convert.step import Tensors
from firmware_py.artefact import StateTensor, StepTensors
from firmware_py.errors import ArtefactError
from models.settings.config import Config
from models.settings.network import WindowNetwork


class WindowModule(tf.Module):
    """One call: the next frames and the window's rest to posteriors and the next rest.

    frames: float32 [1, stride, num_bins]. Returns posteriors, float32 [1, 1, labels].
    """

    num_steps = 1

    def __init__(self, model: keras.Model, window: WindowNetwork, num_bins: int) -> None:
        super().__init__()
        self._model = model
        # Constants for variables: a converter does not find those of Keras.
        parts = (model.trainable_variables, model.non_trainable_variables)
        self._weights = [[each.numpy() for each in part] for part in parts]
        self.stride = self.num_frames = window.stride
        self.kernel_size = window.window_frames
        rest = (1, window.window_frames - window.stride, num_bins)
        history = StateTensor("history", "next_history", rest)
        self.tensors = StepTensors("frames", "posteriors", history)
        self.state_tensors = (history,)
        self.function = tf.function(self._step, autograph=False).get_concrete_function(
            frames=tf.TensorSpec((1, window.stride, num_bins), tf.float32, "frames"),
            history=tf.TensorSpec(rest, tf.float32, "history"),
        )

    def _step(self, frames: tf.Tensor, history: tf.Tensor) -> Tensors:
        window = tf.concat((history, frames), axis=1)
        constants = [[tf.constant(each) for each in part] for part in self._weights]
        posteriors, _ = self._model.stateless_call(*constants, window, training=False)
        return {"posteriors": posteriors, "next_history": window[:, self.stride :]}


class SlidingWindow:
    """The trained network at every position of the window: what an artefact must equal."""

    def __init__(self, model: keras.Model, window: WindowNetwork) -> None:
        self._model = model
        self._window = window

    def __call__(self, frames: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return posteriors, float32 [1, steps, labels]; frames: float32 [1, n, num_bins]."""
        length, stride = self._window.window_frames, self._window.stride
        windows = tf.signal.frame(tf.convert_to_tensor(frames)[0], length, stride, axis=0)
        return self._model(windows, training=training)[:, 0][None]


def check_window(model: Any, config: Config, path: Any) -> None:
    """Raise ArtefactError where the network is not the one that its configuration describes."""
    expected = (
        (None, config.network.kernel_size, config.front_end.num_bins),
        (None, 1, len(config.labels)),
    )
    found = (tuple(model.input_shape), tuple(model.output_shape))
    if found != expected:
        raise ArtefactError(
            f"{path}: it maps {found[0]} to {found[1]}, but the configuration {config.name!r} says"
            f" {expected[0]} to {expected[1]}; name the one it was trained with:"
            " --config CONFIG.toml"
        )
