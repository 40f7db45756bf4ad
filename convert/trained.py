"""Read a trained network from any of the files that Keras has written over the years."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras

from convert.extract import extract
from convert.hdf5 import load_full, load_weights
from convert.weights import NetworkWeights
from convert.window import SlidingWindow, check_window
from firmware_py.errors import ArtefactError, SettingsError
from models.settings.config import REFERENCE_CONFIG, Config, read_config
from models.training.compilation import load_network

CONFIG_NAME = "config.toml"


@dataclass(frozen=True)
class Trained:
    """A trained network and the configuration that it was trained with."""

    path: Path
    config: Config
    model: keras.Model | SlidingWindow
    """The offline network: [clips, any number of frames, num_bins] to posteriors."""
    weights: NetworkWeights | keras.Model
    """Of a recurrent network, as it is streamed; of a window network, the network itself."""


def read_trained(
    path: Path, config_path: Path | None = None, architecture: str | None = None
) -> Trained:
    """Return the network at `path`: a .keras, a full HDF5, or one with weights only.

    config_path: its configuration; by default that of `architecture`, else the config.toml
        beside it.
    Raises ArtefactError or SettingsError when the file is no such network or does not match.
    """
    kind = _kind(path)
    config = _config(path, config_path, architecture)
    if kind == "keras":
        model = load_network(path)
    elif kind == "full":
        model = load_full(path)
    elif architecture or config_path:
        model = load_weights(path, config)
    else:
        raise ArtefactError(
            f"{path}: the file holds weights only; name the network they belong to with:"
            " --architecture reference"
        )
    if config.window:
        check_window(model, config, path)
        return Trained(path, config, SlidingWindow(model, config.window), model)
    try:
        weights = extract(model)
    except ArtefactError as error:
        raise ArtefactError(f"{path}: {error}") from error
    trained = Trained(path, config, for_any_length(model, weights.num_bins), weights)
    _check_match(trained, weights)
    return trained


def _kind(path: Path) -> str:
    if not path.exists():
        raise ArtefactError(f"{path}: there is no such file; check the path")
    if path.is_dir():
        raise ArtefactError(f"{path}: this is a folder; name the .keras or .h5 file in it")
    if zipfile.is_zipfile(path):
        return "keras"
    if not h5py.is_hdf5(path):
        raise ArtefactError(f"{path}: this is no Keras model; save it as .keras or .h5")
    with h5py.File(path) as file:
        return "full" if "model_config" in file.attrs else "weights"


def _config(path: Path, config_path: Path | None, architecture: str | None) -> Config:
    if config_path:
        return read_config(config_path)
    if architecture:
        return _named_config(architecture)
    beside = path.with_name(CONFIG_NAME)
    if not beside.exists():
        raise SettingsError(
            f"{path}: there is no {CONFIG_NAME} beside it to tell its labels and front end; name"
            " one with: --config CONFIG.toml"
        )
    return read_config(beside)


def _named_config(architecture: str) -> Config:
    known = {"reference": REFERENCE_CONFIG}
    known |= {path.stem: path for path in sorted(REFERENCE_CONFIG.parent.glob("*.toml"))}
    if architecture not in known:
        raise SettingsError(
            f"there is no architecture {architecture!r}; choose one of {', '.join(known)}"
        )
    return read_config(known[architecture])


def for_any_length(model: keras.Model, num_bins: int) -> keras.Model:
    """Return the same layers on an input that may be of any length, float32 [1, n, num_bins].

    A dense layer works on every step by itself, without the one copy a step that
    TimeDistributed makes of it.
    """
    frames = keras.Input((None, num_bins))
    posteriors = frames
    for layer in model.layers:
        if isinstance(layer, keras.layers.TimeDistributed):
            layer = layer.layer
        if not isinstance(layer, keras.layers.InputLayer):
            posteriors = layer(posteriors)
    return keras.Model(frames, posteriors)


def _check_match(trained: Trained, weights: NetworkWeights) -> None:
    """Raise ArtefactError where the network is not the one that its configuration describes."""
    config = trained.config
    pairs = {
        "feature bins": (weights.num_bins, config.front_end.num_bins),
        "labels": (weights.num_labels, len(config.labels)),
        "stride": (weights.convolution.stride, config.network.stride),
        "kernel size": (weights.kernel_size, config.network.kernel_size),
        "filters": (len(weights.convolution.bias), config.network.filters),
        "GRU units": (tuple(gru.units for gru in weights.recurrences), config.network.gru_units),
        "head": (weights.dense.head, config.network.head),
    }
    for name, (found, expected) in pairs.items():
        if found != expected:
            raise ArtefactError(
                f"{trained.path}: its {name} are {found}, but the configuration {config.name!r}"
                f" says {expected}; name the one it was trained with: --config CONFIG.toml"
            )
