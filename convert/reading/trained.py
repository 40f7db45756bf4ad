"""Read a trained network from any of the files that Keras has written over the years."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from convert.errors import ParityError
from convert.reading.chain import REMEDY, model_chain
from convert.reading.errors import named_errors
from convert.reading.extract import extract
from convert.reading.hdf5 import load_full, load_weights
from convert.reading.inspection import inspect_hdf5
from convert.reading.keras_file import load_chain
from convert.weights import NetworkWeights
from convert.window import SlidingWindow, check_window
from firmware_py.errors import ArtefactError, SettingsError
from models.settings.config import REFERENCE_CONFIG, Config, read_config
from models.settings.network import WindowNetwork

CONFIG_NAME = "config.toml"

Kind = Literal["keras", "full", "weights"]
_ZIP, _HDF5 = b"PK", b"\x89HDF\r\n\x1a\n"

OWN_FORWARD_FRAMES = 400
"""The clip that a network of any length is compared on with its own forward pass."""
OWN_FORWARD_DIFFERENCE = 1e-5


@dataclass(frozen=True)
class Trained:
    """A trained network and the configuration that it was trained with."""

    path: Path
    config: Config
    model: keras.Model | SlidingWindow
    """The offline network: [clips, any number of frames, num_bins] to posteriors."""
    weights: NetworkWeights | keras.Model
    """Of a recurrent network, as it is streamed; of a window network, the network itself."""
    loaded: keras.Model
    """The network as its file has it, which may want clips of one length."""


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
    if kind == "weights" and not (architecture or config_path):
        raise ArtefactError(
            f"{path}: the file holds weights only; name the network they belong to with:"
            " --architecture reference"
        )
    with named_errors(path):
        return _trained(path, config, _loaded(path, kind, config))


def _loaded(path: Path, kind: Kind, config: Config) -> keras.Model:
    if kind == "keras":
        return load_chain(path)
    return load_full(path) if kind == "full" else load_weights(path, config)


def _trained(path: Path, config: Config, loaded: keras.Model) -> Trained:
    if isinstance(config.network, WindowNetwork):
        check_window(loaded, config, path)
        return Trained(path, config, SlidingWindow(loaded, config.network), loaded, loaded)
    weights = extract(loaded)
    trained = Trained(path, config, for_any_length(loaded), weights, loaded)
    _check_match(trained, weights)
    return trained


def _kind(path: Path) -> Kind:
    """Return what the file is by its first bytes; HDF5 has been read through by then."""
    if not path.exists():
        raise ArtefactError(f"{path}: there is no such file; check the path")
    if path.is_dir():
        raise ArtefactError(f"{path}: this is a folder; name the .keras or .h5 file in it")
    if not path.is_file():
        raise ArtefactError(f"{path}: this is not a regular file; name a .keras or .h5 file")
    with path.open("rb") as file:
        start = file.read(len(_HDF5))
    if start.startswith(_ZIP):
        return "keras"
    if start != _HDF5:
        raise ArtefactError(f"{path}: this is not a Keras model; save it as .keras or .h5")
    with named_errors(path):
        inspect_hdf5(path)
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


def for_any_length(model: keras.Model) -> keras.Model:
    """Return the network on an input of any length, float32 [clips, frames, num_bins].

    It shares the layers of `model` and calls them as its graph does. A dense
    layer works on every step by itself, without the one copy a step that TimeDistributed makes.
    """
    is_open = model.input_shape[1] is None
    if is_open and not any(isinstance(la, keras.layers.TimeDistributed) for la in model.layers):
        return model
    frames = posteriors = keras.Input((None, model.input_shape[2]))
    for layer in model_chain(model):
        each = layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer
        posteriors = each(posteriors)
    return keras.Model(frames, posteriors)


def check_own_forward(trained: Trained, frames: NDArray[np.float32]) -> None:
    """Raise ParityError where the offline network differs from the file's own forward pass.

    frames: float32 [n, num_bins]. A network that wants clips of one length gets them cut so,
    repeated where they are too short for one.
    """
    if trained.loaded is trained.model or trained.loaded is trained.weights:
        return
    length = trained.loaded.input_shape[1] or min(len(frames), OWN_FORWARD_FRAMES)
    clips = np.resize(frames, (max(1, len(frames) // length), length, frames.shape[1]))
    found, expected = (
        np.asarray(model(clips, training=False)) for model in (trained.model, trained.loaded)
    )
    difference = float(np.abs(found - expected).max())
    if not difference <= OWN_FORWARD_DIFFERENCE:
        raise ParityError(
            f"{trained.path}: read layer by layer it differs from its own forward pass by"
            f" {difference:.2g}; {REMEDY}; nothing is written"
        )


def _check_match(trained: Trained, weights: NetworkWeights) -> None:
    """Raise ArtefactError where the network is not the one that its configuration describes."""
    config = trained.config
    network = config.streaming_network
    pairs = {
        "feature bins": (weights.num_bins, config.front_end.num_bins),
        "labels": (weights.num_labels, len(config.labels)),
        "stride": (weights.convolution.stride, network.stride),
        "kernel size": (weights.kernel_size, network.kernel_size),
        "filters": (len(weights.convolution.bias), network.filters),
        "GRU units": (tuple(gru.units for gru in weights.recurrences), network.gru_units),
        "head": (weights.dense.head, network.head),
    }
    for name, (found, expected) in pairs.items():
        if found != expected:
            raise ArtefactError(
                f"{trained.path}: its {name} are {found}, but the configuration {config.name!r}"
                f" says {expected}; name the one it was trained with: --config CONFIG.toml"
            )
