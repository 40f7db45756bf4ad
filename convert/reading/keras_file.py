"""What a `.keras` file holds, looked at before Keras opens it.

Such a file is a ZIP (keras.io/guides/serialization_and_saving): `config.json` describes the
layers, `model.weights.h5` has the weights. Keras builds whatever the description asks for.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras

from convert.reading.chain import Entry, chain
from convert.reading.errors import named_errors
from convert.reading.inspection import inspect_hdf5
from convert.reading.sizes import Shape, check_size
from firmware_py.errors import ArtefactError
from models.training.compilation import load_network

_MAXIMUM_BYTES = {"metadata.json": 1 << 16, "config.json": 1 << 20, "model.weights.h5": 1 << 27}
"""The members of the ZIP, and what each may hold."""


def load_chain(path: Path) -> keras.Model:
    """Return the network of a `.keras` file, which must be a plain chain of known layers.

    Raises ArtefactError, in one line, for everything else.
    """
    return _load(path, plain=True)


def load_any(path: Path) -> keras.Model:
    """Return the network of a `.keras` file, of whatever layers Keras itself brings.

    Raises ArtefactError, in one line, when it cannot be read.
    """
    return _load(path, plain=False)


def _load(path: Path, *, plain: bool) -> keras.Model:
    with named_errors(path):
        if not path.is_file():
            raise ArtefactError("there is no such file; name a .keras file")
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            for member in archive.infolist():
                _check_member(member)
            if plain:
                _check_description(json.loads(archive.read("config.json")))
            inspect_hdf5(Path(archive.extract("model.weights.h5", folder)))
        return load_network(path)


def _check_member(member: zipfile.ZipInfo) -> None:
    limit = _MAXIMUM_BYTES.get(member.filename)
    if limit is None:
        raise ArtefactError(f"it holds {member.filename!r}, which no network needs")
    if member.file_size > limit:
        raise ArtefactError(
            f"its {member.filename} has {member.file_size:,} bytes; {limit:,} are the most"
        )


def _check_description(description: Any) -> None:
    first, *others = chain(description)
    if first["class_name"] != "InputLayer":
        raise ArtefactError("the network has no input; build it before it is saved")
    whole = _unbuilt(first).batch_shape
    shapes = check_size(map(_unbuilt, others), whole)
    for entry, shape in zip((description, *others), (whole, *shapes), strict=True):
        _check_build(entry, shape)


def _unbuilt(entry: Entry) -> keras.Layer:
    """Return the layer of an entry without its weights, which Keras makes from `build_config`."""
    settings = dict(entry["config"])
    if "layer" in settings:
        inner = settings["layer"]
        settings["layer"] = {key: inner[key] for key in inner if key != "build_config"}
    return getattr(keras.layers, entry["class_name"]).from_config(settings)


def _check_build(entry: Entry, shape: Shape) -> None:
    """Raise ArtefactError where a layer would be built for another input than it gets."""
    build = entry.get("build_config") or {}
    built_for = build.get("input_shape") or shape
    if not build.keys() <= {"input_shape"} or built_for[-1] != shape[-1]:
        raise ArtefactError(
            f"{entry['class_name']} is built for {build}, but reads {tuple(shape)}; save it again"
        )
    if isinstance(entry["config"].get("layer"), dict):
        _check_build(entry["config"]["layer"], shape)
