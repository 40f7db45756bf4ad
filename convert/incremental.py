"""A network on a window of frames that computes, as the window moves on, only what is new.

A convolution without padding says the same to the same frames wherever they lie in the window. So
each of the first layers keeps the rows (places in time) that its next ones need, the window is held
behind them, and a call with the next frames costs little. The other layers see the whole window.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from firmware_py.artefact import StateTensor

_ELEMENTWISE = (
    layers.Activation,
    layers.Dropout,
    layers.LeakyReLU,
    layers.ReLU,
    layers.Rescaling,
)


@dataclass(frozen=True)
class Incremental:
    """Where a chain of layers is cut for calls of so many frames."""

    num_frames: int
    """Of a call."""
    first: tuple[layers.Layer, ...]
    """The layers that go on from call to call."""
    rows: tuple[int, ...]
    """What each of them gives in a call."""
    others: tuple[layers.Layer, ...]

    @property
    def num_calls(self) -> int:
        """Calls that fill a window."""
        return -(-_rows(self.first[0].input) // self.num_frames)

    @property
    def states(self) -> tuple[StateTensor, ...]:
        """What a call hands to the next: rows before each convolution, then the window's."""
        kept = [(layer, _history(layer)) for layer in self.first]
        window = self.others[0]
        kept.append((window, _rows(window.input) - self.rows[-1]))
        shapes = [(1, rows, *layer.input.shape[2:]) for layer, rows in kept if rows]
        return tuple(
            StateTensor(f"state_{number}", f"next_state_{number}", shape)
            for number, shape in enumerate(shapes, start=1)
        )


def incremental(model: keras.Model, num_frames: int) -> Incremental | None:
    """Return how a network goes on by `num_frames`; None where that would save little.

    model: of [windows, frames, num_bins].
    """
    if not isinstance(model, keras.Sequential):
        return None
    chain = model.layers
    given, rows = [], num_frames
    for layer in chain:
        after = _rows_after(layer, rows)
        if not after:
            break
        rows = after
        given.append(rows)
    cut = len(given)
    first, others = tuple(chain[:cut]), tuple(chain[cut:])
    if not first or not others or _rows(others[0].input) <= rows:
        return None
    found = Incremental(num_frames, first, tuple(given), others)
    again = found.num_calls * sum(map(_products, others))
    return found if again < sum(map(_products, chain)) else None


def run(
    network: Incremental,
    call: Callable[[layers.Layer, tf.Tensor], tf.Tensor],
    inputs: Mapping[str, tf.Tensor],
    frames: tf.Tensor,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return what the last layer says, and the next call's states by their output's name.

    call: of a layer and its input, float32 [1, rows, ...]. inputs: the states by their input's
        name, float32, [as `network.states` says]; the states returned have the same shapes.
    frames: float32 [1, num_frames, num_bins]. The last layer says float32 [1, labels].
    """
    states, outputs = iter(network.states), {}

    def behind_earlier(values: tf.Tensor) -> tf.Tensor:
        state = next(states)
        values = tf.concat((inputs[state.input], values), axis=1)
        outputs[state.output] = values[:, -state.shape[1] :]
        return values

    values = frames
    for layer, rows in zip(network.first, network.rows, strict=True):
        if _history(layer):
            values = behind_earlier(values)
        if isinstance(layer, layers.Reshape):
            values = tf.reshape(values, (1, rows, *layer.output.shape[2:]))
        else:
            values = call(layer, values)
    values = behind_earlier(values)
    for layer in network.others:
        values = call(layer, values)
    return values, outputs


def _rows_after(layer: layers.Layer, rows: int) -> int:
    """Return the rows that a layer makes of the next `rows`; 0: it must see the whole window."""
    before, after = layer.input.shape, layer.output.shape
    if len(before) < 3:
        return 0
    if isinstance(layer, _ELEMENTWISE):
        return rows
    if isinstance(layer, layers.Reshape):
        return rows if before[1] == after[1] else 0
    if isinstance(layer, layers.Conv2D):
        unpadded = layer.padding == "valid" or layer.kernel_size[0] == 1
        plain = {*layer.strides, *layer.dilation_rate} == {1}
        return rows if unpadded and plain and layer.data_format == "channels_last" else 0
    if isinstance(layer, layers.MaxPooling2D):
        length = layer.pool_size[0]
        whole = rows % length == 0 and before[1] % length == 0
        return rows // length if whole and layer.strides[0] == length else 0
    return 0


def _history(layer: layers.Layer) -> int:
    """Return the earlier rows that a layer's next ones need."""
    return layer.kernel_size[0] - 1 if isinstance(layer, layers.Conv2D) else 0


def _rows(tensor: Any) -> int:
    return int(tensor.shape[1])


def _products(layer: layers.Layer) -> int:
    """Return the multiplications that a layer takes for a window."""
    kernel = getattr(layer, "kernel", None)
    return prod(kernel.shape) * prod(layer.output.shape[1:-1]) if kernel is not None else 0
