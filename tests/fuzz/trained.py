"""Files of trained networks, read whole; each part of them is changed by itself, too.

A ZIP whose check sum is wrong goes no further, so the members of a `.keras` file are changed in a
ZIP that is whole, and the description in an HDF5 file likewise.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from fuzz.reader import Reader, of_file

CONFIG = """\
name = "made"
labels = ["word"]
[front_end]
sample_rate_hz = 16000
window_length = 400
hop_length = 160
fft_length = 512
num_mel_bins = 4
log_epsilon = 1e-6
[network]
filters = 3
kernel_size = 3
stride = 2
gru_units = [2]
"""


def _network(path: Path) -> None:
    """Read a trained network; HDF5 is looked through in a fork."""
    from convert.reading.trained import read_trained
    from fuzz.forks import inspected_in_forks

    config = path.with_name("config.toml")
    config.write_text(CONFIG)
    with inspected_in_forks():
        read_trained(path, config)


def _member(name: str) -> Callable[[Path], None]:
    """Return a reader of one member of a `.keras` file."""

    def read(path: Path) -> None:
        members = {**_members(), name: path.read_bytes()}
        with zipfile.ZipFile(path, "w") as archive:
            for each, content in members.items():
                archive.writestr(each, content)
        _network(path)

    return read


def _hdf5_description(path: Path) -> None:
    """Read what an HDF5 file says of its layers."""
    import h5py

    content = path.read_bytes()
    path.write_bytes(_saved("seed.h5"))
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = np.bytes_(content or b"{")
    _network(path)


@cache
def _saved(name: str) -> bytes:
    """Return a small network as Keras saves it: `seed.keras`, `seed.h5` or `seed.weights.h5`."""
    from models.settings.network import Network
    from models.training.architecture import offline_model

    model = offline_model(Network(filters=3, kernel_size=3, stride=2, gru_units=(2,)), 4, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        if name.endswith(".weights.h5"):
            model.save_weights(path)
        else:
            model.save(path)
        return path.read_bytes()


def _members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_saved("seed.keras"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _weights_of_keras_2() -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(_saved("seed.h5"))) as full, h5py.File(buffer, "w") as file:
        weights = full["model_weights"]
        for name in weights:
            full.copy(weights[name], file, name)
        for name, value in weights.attrs.items():
            file.attrs[name] = value
    return buffer.getvalue()


def _descriptions() -> list[bytes]:
    import h5py

    with h5py.File(io.BytesIO(_saved("seed.h5"))) as file:
        return [str(file.attrs["model_config"]).encode()]


TRAINED = {
    "keras": Reader(of_file(_network, "made.keras"), lambda: [_saved("seed.keras")]),
    "description": Reader(
        of_file(_member("config.json"), "made.keras"), lambda: [_members()["config.json"]]
    ),
    "weights": Reader(
        of_file(_member("model.weights.h5"), "made.keras"),
        lambda: [_members()["model.weights.h5"]],
    ),
    "hdf5": Reader(
        of_file(_network, "made.h5"), lambda: [_saved("seed.h5"), _weights_of_keras_2()]
    ),
    "hdf5-weights": Reader(
        of_file(_network, "made.weights.h5"), lambda: [_saved("seed.weights.h5")]
    ),
    "hdf5-description": Reader(of_file(_hdf5_description, "made.h5"), _descriptions),
}
"""Readers that bring Keras along."""
