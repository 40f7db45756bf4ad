"""Google's speech embedding, the part of a second stage that has heard real people.

Twenty convolutions, learnt from the speech of a great many people, turn 0.76 s of a spectrogram
into 96 numbers that tell sounds of speech apart (Lin, Kilgour, Roblek and Sharifi 2020, "Training
Keyword Spotters with Limited and Synthesized Speech Data", arXiv 2002.01322; Apache-2.0). They
read 32 bands up to 3.8 kHz; here a convolution in front makes those bands of our own frames, so
that nothing but these is computed on a device. `transfer` made the weights.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.schema import from_mapping, to_mapping

WEIGHTS = Path(__file__).parents[1] / "trained" / "speech-embedding" / "weights.npz"
BANDS = 32
"""Log-mel bands from 60 to 3800 Hz, which the embedding reads."""
BAND_FRAMES = 3
"""Frames of ours around each of its own."""
SPAN_FRAMES = 76
"""Frames that one embedding sees."""
STRIDE_FRAMES = 8
"""Frames from one embedding to the next."""
SIZE = 96
SLOPE, FLOOR = 0.2, -0.4
"""Of its activation: max(x, SLOPE x, FLOOR)."""

_CONVOLUTIONS = [
    *((24, shape) for shape in [(3, 3), (1, 3), (3, 1)]),
    *((48, shape) for shape in [(1, 3), (3, 1), (1, 3), (3, 1)]),
    *((72, shape) for shape in [(1, 3), (3, 1), (1, 3), (3, 1)]),
    *((96, shape) for shape in [(1, 3), (3, 1), (1, 3), (3, 1)]),
    *((96, shape) for shape in [(1, 3), (3, 1), (1, 3), (3, 1)]),
    (96, (3, 1)),
]
"""Filters, and frames by bands, of each."""
_POOLS = {2: (2, 2), 6: (1, 2), 10: (2, 2), 14: (1, 2), 18: (2, 2)}
"""Frames by bands of the pool after each of these convolutions."""

Weights = Sequence[NDArray[np.float32]]
"""Kernel and bias of each layer in turn: [shape of the kernel], [filters]."""


def fits(front_end: FrontEnd) -> bool:
    """Tell whether the weights are for frames of this front end, whatever their normalisation."""
    return replace(front_end, mean=(), deviation=()) == _stored()[0]


def build_embedding(front_end: FrontEnd, num_frames: int) -> keras.Sequential:
    """Return the network: frames [n, num_frames, num_bins] to embeddings [n, times * SIZE].

    The embeddings are about 0 on average and 1 in deviation. Each weight is one that float16
    holds, so that an artefact in float16 says the same. `front_end` is one that `fits`.
    """
    model = embedding_layers(num_frames, front_end.num_bins)
    kernel, bias, *others = _stored()[1]
    # The stored kernel, [BAND_FRAMES, num_bins, 1, filters], is for frames as they were before.
    if front_end.mean:
        bias = bias + np.tensordot(kernel.sum(axis=(0, 2)), front_end.mean, axes=(0, 0))
    if front_end.deviation:
        kernel = kernel * np.array(front_end.deviation, np.float32)[:, None, None]
    model.set_weights([each.astype(np.float16) for each in (kernel, bias, *others)])
    return model


def embedding_layers(num_frames: int, num_bins: int) -> keras.Sequential:
    """Return the network of `build_embedding` with weights of no meaning.

    Each activation max(x, 0.2 x, -0.4) is written as LeakyReLU(ReLU(x + 2) - 2), which is the
    same and needs no layer but Keras's own; the 2 stands in the convolution's bias.
    """
    times = num_frames - BAND_FRAMES + 1
    model = keras.Sequential([keras.Input((num_frames, num_bins), name="frames")])
    model.add(layers.Reshape((num_frames, num_bins, 1), name="image"))
    # Two more bands, of nothing, are what its first convolution expects at the edges.
    model.add(layers.Conv2D(BANDS + 2, (BAND_FRAMES, num_bins), name="bands"))
    model.add(layers.Reshape((times, BANDS + 2, 1), name="bands_image"))
    last = len(_CONVOLUTIONS) - 1
    for number, (filters, shape) in enumerate(_CONVOLUTIONS):
        # Along the bands its edges are zeros; along time there are none.
        padding = "same" if number and shape[0] == 1 else "valid"
        activation = None if number == last else "relu"
        name = f"embedding_{number}"
        model.add(layers.Conv2D(filters, shape, 1, padding, activation=activation, name=name))
        if number < last:
            model.add(layers.Rescaling(1.0, FLOOR / SLOPE, name=f"floor_{number}"))
            model.add(layers.LeakyReLU(SLOPE, name=f"leak_{number}"))
        if number in _POOLS:
            model.add(layers.MaxPooling2D(_POOLS[number], name=f"pool_{number}"))
    model.add(layers.Flatten(name="embeddings"))
    return model


def shapes() -> list[tuple[int, int, int, int]]:
    """Return the shape of each kernel: frames, bands, inputs, filters."""
    inputs = [1, *(filters for filters, _ in _CONVOLUTIONS)]
    return [
        (*shape, below, filters)
        for below, (filters, shape) in zip(inputs, _CONVOLUTIONS, strict=False)
    ]


def transferred(
    bands: tuple[NDArray[np.float32], NDArray[np.float32]],
    convolutions: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
) -> list[NDArray[np.float32]]:
    """Return the weights of `embedding_layers` in their order.

    bands: kernel [BAND_FRAMES, num_bins, BANDS] and bias [BANDS], our frames to its bands.
    convolutions: kernel, as `shapes` says, and bias [filters] of each, as published.
    mean, deviation: float32 [SIZE], of the published embeddings; they are normalised away.
    """
    kernel, bias = (np.pad(part, [(0, 0)] * (part.ndim - 1) + [(1, 1)]) for part in bands)
    weights = [kernel[:, :, None], bias]
    for kernel, bias in convolutions[:-1]:
        weights += [kernel, bias - FLOOR / SLOPE]
    kernel, bias = convolutions[-1]
    return [*weights, kernel / deviation, (bias - mean) / deviation]


def save_weights(path: Path, front_end: FrontEnd, weights: Weights) -> None:
    """Write what `build_embedding` reads.

    front_end: that of the frames, not normalised. weights: as `transferred` returns them.
    """
    arrays = {f"weight_{number:02d}": each for number, each in enumerate(weights)}
    description = np.array(json.dumps(to_mapping(front_end)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, front_end=description, **arrays)


@lru_cache(maxsize=1)
def _stored() -> tuple[FrontEnd, list[NDArray[np.float32]]]:
    try:
        with np.load(WEIGHTS) as arrays:
            front_end = from_mapping(FrontEnd, json.loads(str(arrays["front_end"])), str(WEIGHTS))
            return front_end, [arrays[name] for name in sorted(arrays.files) if "weight" in name]
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{WEIGHTS}: cannot be read ({error}); check it out again") from error
