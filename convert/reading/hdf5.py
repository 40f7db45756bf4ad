"""Networks in HDF5 files, of whatever Keras: full ones and those with weights only.

Weights are told apart by what they are, never by their layer's name: names differ between Keras
versions and count up with every model of a session (`gru_1/gru_1/gru_cell_7/kernel:0`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from convert.reading.chain import chain
from convert.reading.sizes import check_size
from firmware_py.errors import ArtefactError
from firmware_py.reading.bounds import shown_value
from firmware_py.reading.lines import first_line
from models.settings.config import Config
from models.training.architecture import offline_model

Arrays = dict[str, NDArray[np.float32]]
"""The weights of one layer, [as Keras has them]: `kernel`, `bias`, ..."""

_WEIGHTS: Mapping[type[keras.Layer], tuple[str, ...]] = {
    layers.Conv1D: ("kernel", "bias"),
    layers.BatchNormalization: ("gamma", "beta", "moving_mean", "moving_variance"),
    layers.GRU: ("kernel", "recurrent_kernel", "bias"),
    layers.Dense: ("kernel", "bias"),
}
"""The weights of each layer, in the order in which Keras sets them."""

_SETTINGS: Mapping[type[keras.Layer], tuple[str, ...]] = {
    layers.Conv1D: (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "data_format",
        "groups",
        "dtype",
        "dilation_rate",
        "activation",
        "use_bias",
    ),
    layers.BatchNormalization: ("axis", "epsilon", "center", "scale", "dtype"),
    layers.GRU: (
        "units",
        "activation",
        "recurrent_activation",
        "use_bias",
        "return_sequences",
        "return_state",
        "stateful",
        "dtype",
        "go_backwards",
    ),
    layers.Dense: ("units", "activation", "use_bias", "dtype"),
    layers.ReLU: ("max_value", "negative_slope", "threshold"),
    layers.Activation: ("activation",),
}
"""The settings that count in use. Old versions wrote others that Keras no longer knows."""

_IDLE = ("InputLayer", "Dropout", "SpatialDropout1D")


def load_full(path: Path) -> keras.Model:
    """Return the network of an HDF5 file that also holds its architecture."""
    with h5py.File(path) as file:
        entries = chain(json.loads(file.attrs["model_config"]))
        found = _Found(path, file["model_weights"])
    made = [_made(path, entry, found) for entry in entries if entry["class_name"] not in _IDLE]
    check_size(made, (None, None, found.num_bins))
    return found.assign(keras.Sequential([keras.Input((None, found.num_bins)), *made]))


def load_weights(path: Path, config: Config) -> keras.Model:
    """Return the network that `config` describes with the weights of an HDF5 file.

    The GRU form is the file's: two rows of biases mean `reset_after`.
    """
    with h5py.File(path) as file:
        if "layers" in file:
            return _load_keras_3(path, config)
        found = _Found(path, file)
    network = replace(config.streaming_network, reset_after=found.reset_after)
    return found.assign(offline_model(network, config.front_end.num_bins, len(config.labels)))


class _Found:
    """The weights in a file, by the kind of layer that they belong to."""

    def __init__(self, path: Path, group: h5py.Group) -> None:
        self._path = path
        self._arrays: dict[type[keras.Layer], list[Arrays]] = {kind: [] for kind in _WEIGHTS}
        for name in _layer_names(group):
            arrays = _datasets(group[name])
            if arrays:
                self._arrays[self._kind(name, arrays)].append(arrays)

    @property
    def num_bins(self) -> int:
        """The feature bins that the convolution reads."""
        return int(self._one(layers.Conv1D)["kernel"].shape[1])

    @property
    def reset_after(self) -> bool:
        """Whether the GRUs have a second row of biases, and so the reset gate after the product."""
        return self._one(layers.GRU)["bias"].ndim == 2

    def assign(self, model: keras.Model) -> keras.Model:
        """Set the weights of `model` and return it; raises ArtefactError when they do not fit."""
        waiting = {kind: list(arrays) for kind, arrays in self._arrays.items()}
        for layer in model.layers:
            layer = layer.layer if isinstance(layer, layers.TimeDistributed) else layer
            kind = next((kind for kind in _WEIGHTS if isinstance(layer, kind)), None)
            if not kind:
                continue
            if not waiting[kind]:
                raise self._error(f"it has no weights for {kind.__name__} {layer.name!r}")
            arrays = waiting[kind].pop(0)
            self._set(layer, [arrays[name] for name in _WEIGHTS[kind]])
        rest = [f"{len(arrays)} more {kind.__name__}" for kind, arrays in waiting.items() if arrays]
        if rest:
            raise self._error(f"it has weights for {' and '.join(rest)}")
        return model

    def _set(self, layer: keras.Layer, values: list[NDArray[np.float32]]) -> None:
        expected = [tuple(weight.shape) for weight in layer.weights]
        found = [value.shape for value in values]
        if found != expected:
            raise self._error(f"layer {layer.name!r} has weights of {expected}, the file {found}")
        layer.set_weights(values)

    def _one(self, kind: type[keras.Layer]) -> Arrays:
        if not self._arrays[kind]:
            raise self._error(f"it has no weights of a {kind.__name__}")
        return self._arrays[kind][0]

    def _kind(self, name: str, arrays: Arrays) -> type[keras.Layer]:
        for kind, wanted in _WEIGHTS.items():
            three_axes = "kernel" in arrays and arrays["kernel"].ndim == 3
            if set(wanted) == set(arrays) and three_axes == (kind is layers.Conv1D):
                return kind
        unknown = shown_value(sorted(arrays))
        raise self._error(f"layer {name!r} has the unknown weights {unknown}")

    def _error(self, fault: str) -> ArtefactError:
        return ArtefactError(
            f"{self._path}: {fault}; it is not of this architecture, name another or export the"
            " network again as .keras"
        )


def _load_keras_3(path: Path, config: Config) -> keras.Model:
    """Return the network with the weights that Keras 3 wrote (`.weights.h5`)."""
    for reset_after in (True, False):
        network = replace(config.streaming_network, reset_after=reset_after)
        model = offline_model(network, config.front_end.num_bins, len(config.labels))
        try:
            model.load_weights(path)
        except (ValueError, KeyError) as error:
            reason = first_line(error)
        else:
            return model
    raise ArtefactError(
        f"{path}: its weights do not fit the architecture {config.name!r} ({reason}); name another"
    )


def _layer_names(group: h5py.Group) -> list[str]:
    """Return the layers in the network's order: as listed, or else by the numbers in names."""
    listed = group.attrs.get("layer_names")
    if listed is None:
        return sorted(group, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in listed]
    return [name for name in names if name in group]


def _datasets(group: h5py.Group) -> Arrays:
    """Return every dataset below `group` by the last part of its name, without `:0`."""
    arrays: Arrays = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name.rpartition("/")[2].partition(":")[0]] = item[()]

    group.visititems(visit)
    return arrays


def _made(path: Path, entry: Mapping[str, Any], found: _Found) -> keras.Layer:
    """Return the layer that an entry of a model's configuration describes."""
    settings = entry["config"]
    if entry["class_name"] == "TimeDistributed":
        return layers.TimeDistributed(_made(path, settings["layer"], found))
    for kind, names in _SETTINGS.items():
        if kind.__name__ == entry["class_name"]:
            chosen = {name: settings[name] for name in names if name in settings}
            if kind is layers.GRU:
                chosen["reset_after"] = found.reset_after
            if isinstance(chosen.get("axis"), list):  # as Keras 2 writes it
                (chosen["axis"],) = chosen["axis"]
            return kind(**chosen)
    raise ArtefactError(
        f"{path}: the network has a {entry['class_name']} layer; convert a network made by"
        " models.training.architecture"
    )
