"""What a network would take of memory, known before anything of it is built."""

import math
from collections.abc import Iterable, Sequence

import keras
from keras import layers

from convert.reading.chain import REMEDY
from firmware_py.errors import ArtefactError

MAXIMUM_VALUES = 1 << 23
"""Weights of a network, or values of a layer's output, at most: 32 MB as floats."""

Shape = Sequence[int | None]


def check_size(chain: Iterable[keras.Layer], shape: Shape) -> list[Shape]:
    """Return the shape that each layer of a chain reads.

    chain: layers that need not be built. shape: of their input, None where it is open.
    Raises ArtefactError where they want more than `MAXIMUM_VALUES`.
    """
    shapes = []
    num_weights = 0
    for layer in chain:
        shapes.append(shape)
        num_weights += _num_weights(layer, shape)
        shape = layer.compute_output_shape(tuple(shape))
        if isinstance(shape[0], tuple):
            raise ArtefactError(
                f"{type(layer).__name__} {layer.name!r} has {len(shape)} outputs; {REMEDY}"
            )
        num_values = math.prod(length for length in shape if length)
        if max(num_weights, num_values) > MAXIMUM_VALUES:
            raise ArtefactError(
                f"{type(layer).__name__} {layer.name!r} is too large: {num_weights:,} weights up to"
                f" it, {num_values:,} values out of it; {MAXIMUM_VALUES:,} are the most"
            )
    return shapes


def _num_weights(layer: keras.Layer, shape: Shape) -> int:
    """Return the weights of a layer on an input of `shape` (Keras's own counts need it built)."""
    inputs = shape[-1] or 0
    if isinstance(layer, layers.TimeDistributed):
        layer = layer.layer
    if isinstance(layer, layers.Conv1D | layers.Conv2D):
        return int((math.prod(layer.kernel_size) * inputs + 1) * layer.filters)
    if isinstance(layer, layers.GRU):
        return int(3 * layer.units * (inputs + layer.units + 2))
    if isinstance(layer, layers.Dense):
        return int((inputs + 1) * layer.units)
    if isinstance(layer, layers.BatchNormalization | layers.LayerNormalization):
        return 4 * math.prod(length for length in shape if length)
    return 0
