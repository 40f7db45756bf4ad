"""Files that ask for too much, point elsewhere or are damaged: one line, bounded memory."""

import json
import re
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from made_networks import LOG_MEL, SMALL, made_network, write_config

from convert.reading.inspection import inspect_hdf5
from convert.reading.trained import read_trained
from firmware_py.errors import ArtefactError

FRAMES = np.random.default_rng(4).normal(size=(400, 24)).astype(np.float32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the members of a good `.keras` file."""
    path = tmp_path_factory.mktemp("whole") / "model.keras"
    made_network(SMALL, FRAMES).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_refused(path: Path, message: str) -> None:
    """The file is refused in one line that names it, and little memory is taken."""
    config = write_config(path.parent, LOG_MEL, SMALL)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ArtefactError, match=message) as refused:
        read_trained(path, config)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def write_keras(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def changed(members: dict[str, bytes], change: Callable[[Any], None]) -> dict[str, bytes]:
    """Return the members with the configurations of their layers changed."""
    description = json.loads(members["config.json"])
    change({layer["class_name"]: layer["config"] for layer in description["config"]["layers"]})
    return {**members, "config.json": json.dumps(description).encode()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda by: by["GRU"].update(units=10**6), "GRU 'gru_2' is too large: 3,0.* weights"),
        (lambda by: by["Conv1D"].update(filters=10**9), "Conv1D 'conv1d' is too large"),
        (lambda by: by["Dense"].update(units=10**12), "Dense 'head' is too large"),
        (lambda by: by["InputLayer"].update(batch_shape=[1, 10**9, 24]), "is too large: .* values"),
        (lambda by: by["InputLayer"].update(batch_shape=[None, None, 10**9]), "is too large"),
        (lambda by: by["GRU"].update(units=-5), "cannot be read as a network"),
        (lambda by: by["GRU"].update(units="many"), "cannot be read as a network"),
        (lambda by: by["Conv1D"].update(kernel_size=[]), "cannot be read as a network"),
        (lambda by: by["Dense"].update(kernel_initializer="os.system"), "cannot be read"),
        (lambda by: by.pop("Dropout").clear(), "cannot be read as a network"),
    ],
)
def test_descriptions_that_ask_for_too_much(
    change: Callable[[Any], None], message: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    write_keras(path, changed(whole, change))
    assert_refused(path, message)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"config.json": b"[" * 10**6}, "cannot be read as a network|RecursionError"),
        ({"config.json": b"{}"}, "cannot be read as a network"),
        ({"config.json": b"[]"}, "cannot be read as a network"),
        ({"config.json": b" " * (1 << 21)}, "its config.json has 2,097,152 bytes"),
        ({"config.json": b'{"a": 1' + b"0" * 5000 + b"}"}, "cannot be read as a network"),
        ({"model.weights.h5": bytes(1 << 28)}, r"its model.weights.h5 has 268,435,456 bytes"),
        ({"model.weights.h5": b"no HDF5"}, "its weights cannot be read"),
        ({"assets/big": b"1"}, "it holds 'assets/big', which no network needs"),
        ({"../out": b"1"}, r"it holds '\.\./out'"),
    ],
)
def test_members_that_are_none(
    members: dict[str, bytes], message: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    write_keras(path, {**whole, **members})
    assert_refused(path, message)


def test_layers_built_for_another_input(whole: dict[str, bytes], tmp_path: Path) -> None:
    description = json.loads(whole["config.json"])
    for layer in (description, *description["config"]["layers"][1:]):
        before = layer.get("build_config")
        layer["build_config"] = {"input_shape": [None, None, 10**12]}
        path = tmp_path / "model.keras"
        write_keras(path, {**whole, "config.json": json.dumps(description).encode()})
        assert_refused(path, f"{layer['class_name']} is built for .*1000000000000")
        layer["build_config"] = before


def test_member_that_is_missing(whole: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("config.json", "model.weights.h5"):
        path = tmp_path / "model.keras"
        write_keras(path, {key: content for key, content in whole.items() if key != name})
        assert_refused(path, f"cannot be read as a network .*{name}")


def test_damaged_zip(whole: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    write_keras(path, whole)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert_refused(path, "cannot be read as a network")


def external_link(file: h5py.File) -> None:
    file.attrs["layer_names"] = ["a"]
    file["a"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: h5py.File) -> None:
    file["a"] = h5py.SoftLink("/a")


def group_in_itself(file: h5py.File) -> None:
    file["a"] = file


def external_values(file: h5py.File) -> None:
    file.create_dataset("conv/kernel:0", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def virtual_values(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (4,))
    file.create_virtual_dataset("kernel:0", layout)


def huge_values(file: h5py.File) -> None:
    file.create_dataset("conv/kernel:0", (15, 40, 4 * 10**8), "f4", chunks=(1, 1, 64))


def many_large_values(file: h5py.File) -> None:
    for number in range(40):
        file.create_dataset(str(number), (10**6,), "f4", chunks=(64,))


def texts(file: h5py.File) -> None:
    file["conv/kernel:0"] = "text"


def many_objects(file: h5py.File) -> None:
    for number in range(5000):
        file.create_group(str(number))


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (external_link, "a is a link to another place"),
        (soft_link, "a is a link to another place"),
        (group_in_itself, "more than 4096 groups|recursion"),
        (external_values, "keeps its values in another file"),
        (virtual_values, "keeps its values in another file"),
        (huge_values, "asks for 960,000,000,000 bytes"),
        (many_large_values, "asks for 136,000,000 bytes"),
        (texts, "which are not numbers"),
        (many_objects, "more than 4096 groups and datasets"),
    ],
)
def test_hdf5_that_points_elsewhere_or_asks_for_too_much(
    write: Callable[[h5py.File], None], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        write(file)
    assert_refused(path, f"its weights cannot be read .*({reason})")


def test_damaged_hdf5_is_one_line(tmp_path: Path) -> None:
    """Whatever single bytes are changed, the file is read or refused."""
    path = tmp_path / "model.h5"
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file["conv/kernel:0"] = rng.normal(size=(3, 4, 5)).astype(np.float32)
    content = path.read_bytes()
    outcomes = set()
    for _ in range(6):
        damaged = bytearray(content)
        for place in rng.integers(8, len(content), 40):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            inspect_hdf5(path)
            outcomes.add("")
        except ArtefactError as error:
            outcomes.add(str(error).removeprefix("its weights cannot be read"))
    assert len(outcomes) > 1
    assert all(re.fullmatch(r"( \(.+\); save it again)?", outcome) for outcome in outcomes)


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    for path in (Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(ArtefactError, match="this is not a regular file"):
            read_trained(path, write_config(tmp_path, LOG_MEL, SMALL))
