"""A trained Keras model to plain weights.

What can be read is one chain: Conv1D, batch normalisation, ReLU, then GRUs with a batch
normalisation after each or none, then a dense head on every step; dropout anywhere.
"""

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from convert.reading.chain import REMEDY, model_chain
from convert.weights import Convolution, Dense, NetworkWeights, Normalisation, Recurrence, Weights
from firmware_py.errors import ArtefactError

_IDLE = (layers.Dropout, layers.SpatialDropout1D)
"""Layers that do nothing outside training."""


def extract(model: keras.Model) -> NetworkWeights:
    """Return the folded weights; raises ArtefactError naming the first layer that does not fit."""
    chain = _Chain(model)
    convolution = _convolution(chain.take(layers.Conv1D))
    if normalisation := chain.take_if(layers.BatchNormalization):
        convolution = convolution.before(_normalisation(normalisation))
    _check_relu(chain.take(layers.ReLU, layers.Activation))
    recurrences = []
    pending: Normalisation | None = None
    while layer := chain.take_if(layers.GRU):
        recurrence = _recurrence(layer)
        recurrences.append(recurrence.after(pending) if pending else recurrence)
        normalisation = chain.take_if(layers.BatchNormalization)
        pending = _normalisation(normalisation) if normalisation else None
    dense = _dense(chain.take(layers.TimeDistributed, layers.Dense))
    chain.expect_end()
    return NetworkWeights(
        convolution, tuple(recurrences), dense.after(pending) if pending else dense
    )


class _Chain:
    """The layers that count, one after the other."""

    def __init__(self, model: keras.Model) -> None:
        self._layers: Iterator[keras.Layer] = iter(
            [layer for layer in model_chain(model) if not isinstance(layer, _IDLE)]
        )
        self._next: keras.Layer | None = next(self._layers, None)

    def take_if(self, *kinds: type[keras.Layer]) -> keras.Layer | None:
        """Return the next layer when it is one of `kinds`."""
        layer = self._next
        if not isinstance(layer, kinds):
            return None
        self._next = next(self._layers, None)
        return layer

    def take(self, *kinds: type[keras.Layer]) -> keras.Layer:
        """Return the next layer, which must be one of `kinds`."""
        layer = self.take_if(*kinds)
        if layer is None:
            wanted = " or ".join(kind.__name__ for kind in kinds)
            found = _title(self._next) if self._next else "the end"
            raise ArtefactError(f"the network has {found} where {wanted} belongs; {REMEDY}")
        return layer

    def expect_end(self) -> None:
        if self._next:
            raise ArtefactError(f"the network goes on with {_title(self._next)}; {REMEDY}")


def _convolution(layer: layers.Conv1D) -> Convolution:
    _check(layer, "data_format", "channels_last")
    _check(layer, "padding", "valid")
    _check(layer, "activation", keras.activations.linear)
    _check(layer, "dilation_rate", (1,))
    _check(layer, "groups", 1)
    _check(layer, "use_bias", True)
    kernel, bias = _arrays(layer, 2)
    if len(kernel) <= layer.strides[0]:
        raise ArtefactError(
            f"{_title(layer)} has kernel_size {len(kernel)} and stride {layer.strides[0]}; a"
            " streamed network needs a kernel longer than its stride"
        )
    return Convolution(kernel, bias, layer.strides[0])


def _normalisation(layer: layers.BatchNormalization) -> Normalisation:
    if layer.axis not in (-1, 2):
        raise ArtefactError(f"{_title(layer)} has axis {layer.axis}; a streamed network needs -1")
    _check(layer, "center", True)
    _check(layer, "scale", True)
    gamma, beta, mean, variance = _arrays(layer, 4)
    return Normalisation.from_statistics(gamma, beta, mean, variance, layer.epsilon)


def _check_relu(layer: layers.ReLU | layers.Activation) -> None:
    if isinstance(layer, layers.Activation):
        _check(layer, "activation", keras.activations.relu)
        return
    _check(layer, "max_value", None)
    _check(layer, "negative_slope", 0.0)
    _check(layer, "threshold", 0.0)


def _recurrence(layer: layers.GRU) -> Recurrence:
    _check(layer, "activation", keras.activations.tanh)
    _check(layer, "recurrent_activation", keras.activations.sigmoid)
    _check(layer, "return_sequences", True)
    _check(layer, "return_state", False)
    _check(layer, "go_backwards", False)
    _check(layer, "stateful", False)
    _check(layer, "use_bias", True)
    kernel, recurrent_kernel, bias = _arrays(layer, 3)
    if layer.reset_after:
        return Recurrence(kernel, recurrent_kernel, bias[0], bias[1])
    return Recurrence(kernel, recurrent_kernel, bias, None)


def _dense(layer: layers.TimeDistributed | layers.Dense) -> Dense:
    dense = layer.layer if isinstance(layer, layers.TimeDistributed) else layer
    if not isinstance(dense, layers.Dense):
        raise ArtefactError(f"the network's head is {_title(dense)}; {REMEDY}")
    _check(dense, "use_bias", True)
    kernel, bias = _arrays(dense, 2)
    for head in ("sigmoid", "softmax"):
        if dense.activation is getattr(keras.activations, head):
            return Dense(kernel, bias, head)
    raise ArtefactError(
        f"the network's head has the activation {dense.activation.__name__}; train it with sigmoid"
        " or softmax"
    )


def _arrays(layer: keras.Layer, count: int) -> list[Weights]:
    """Return the weights of a layer that has `count` of them and computes in float32."""
    _check(layer, "compute_dtype", "float32")
    arrays = [np.asarray(array, np.float64) for array in layer.get_weights()]
    if len(arrays) != count:
        raise ArtefactError(
            f"{_title(layer)} has {len(arrays)} arrays of weights, {count} are known; save it"
            " without adapters and quantisation"
        )
    if not all(np.isfinite(array).all() for array in arrays):
        raise ArtefactError(f"{_title(layer)} has weights that are not numbers; train it again")
    return arrays


def _check(layer: keras.Layer, name: str, expected: object) -> None:
    value = getattr(layer, name)
    if value != expected:
        shown = [getattr(item, "__name__", repr(item)) for item in (value, expected)]
        raise ArtefactError(
            f"{_title(layer)} has {name} {shown[0]}; a streamed network needs {shown[1]}"
        )


def _title(layer: keras.Layer) -> str:
    return f"{type(layer).__name__} {layer.name!r}"
