"""No file that could end an interpreter gets past the check, and every model of ours does."""

import random
import struct
import subprocess
import sys
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz.flatbuffer_mutants import mutant, places
from fuzz.run_networks import MODULES
from tensorflow.lite.python import schema_py_generated as schema

from convert.flatbuffer import read_flatbuffer, write_flatbuffer
from firmware_py.artefact import read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.flatbuffer_check import check_flatbuffer
from firmware_py.flatbuffer_check.layouts import MODEL
from firmware_py.flatbuffer_check.reader import Reader

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
SHIPPED = sorted(
    path
    for folder in ("firmware_py", "models", "tests")
    for path in ROOT.glob(f"{folder}/**/*.tflite")
)
BEEP = read_artefact(DATA / "beep.tflite").flatbuffer
"""CONCATENATION, RESHAPE, CONV_2D, RESHAPE, LOGISTIC and STRIDED_SLICE, all float32."""

Change = Callable[[Any], object]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_model_of_ours_passes(path: Path) -> None:
    artefact = read_artefact(path)
    check_flatbuffer(artefact.flatbuffer)
    if artefact.verifier:
        check_flatbuffer(artefact.verifier)


def test_the_reader_reads_what_the_schema_says() -> None:
    """Against the reader that TensorFlow generates from the schema."""
    theirs = read_flatbuffer(BEEP)
    ours = Reader(BEEP).root(MODEL)
    (graph,), (their_graph,) = ours["subgraphs"], theirs.subgraphs
    assert [row["name"] for row in graph["tensors"]] == [
        tensor.name.decode() for tensor in their_graph.tensors
    ]
    for row, tensor in zip(graph["tensors"], their_graph.tensors, strict=True):
        assert list(row["shape"]) == list(tensor.shape)
        assert (row["type"], row["buffer"]) == (tensor.type, tensor.buffer)
    for row, operator in zip(graph["operators"], their_graph.operators, strict=True):
        assert list(row["inputs"]) == list(operator.inputs)
        assert row["options_type"] == operator.builtinOptionsType
    for row, buffer in zip(ours["buffers"], theirs.buffers, strict=True):
        assert bytes(row["data"]) == (b"" if buffer.data is None else bytes(buffer.data))


def operator(model: Any, code: int) -> Any:
    """Return the first operator of a kind."""
    kinds = [each.builtinCode for each in model.operatorCodes]
    return next(op for op in model.subgraphs[0].operators if kinds[op.opcodeIndex] == code)


def set_option(code: int, name: str, value: object) -> Change:
    return lambda model: setattr(operator(model, code).builtinOptions, name, value)


def set_tensor(code: int, index: int, name: str, value: object) -> Change:
    """Change an input of the first operator of a kind."""

    def change(model: Any) -> None:
        place = operator(model, code).inputs[index]
        setattr(model.subgraphs[0].tensors[place], name, value)

    return change


def set_integers(code: int, index: int, values: list[int]) -> Change:
    """Change the constant integers that an operator reads."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[operator(model, code).inputs[index]]
        model.buffers[tensor.buffer].data = np.frombuffer(np.int32(values).tobytes(), np.uint8)

    return change


def no_options(model: Any) -> None:
    found = operator(model, 3)
    found.builtinOptionsType, found.builtinOptions = 0, None


def weights_of_nan(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[operator(model, 3).inputs[1]]
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).copy()
    values[7] = np.nan
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)


def read_ahead(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.operators[0].inputs[0] = graph.operators[-1].outputs[0]


def twice_the_graph(model: Any) -> None:
    model.subgraphs = model.subgraphs * 2


def custom_operator(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = b"theirs"


def other_operator(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 119  # WHILE


CONCATENATION, CONV_2D, RESHAPE, STRIDED_SLICE = 2, 3, 22, 45
FAULTS: dict[str, tuple[Change, str]] = {
    "stride 0": (set_option(CONV_2D, "strideW", 0), "stride_w of 0"),
    "dilation 0": (set_option(CONV_2D, "dilationHFactor", 0), "dilation of 0"),
    "padding": (set_option(CONV_2D, "padding", 7), "padding of 7"),
    "activation": (set_option(CONV_2D, "fusedActivationFunction", 9), "unknown activation"),
    "no options": (no_options, "CONV_2D has no options"),
    "axis": (set_option(CONCATENATION, "axis", 5), "no axis 5"),
    "mask": (set_option(STRIDED_SLICE, "ellipsisMask", 1), "ellipsis_mask"),
    "shape": (set_integers(RESHAPE, 1, [2**30, 1, 1, 1]), "RESHAPE"),
    "slice": (set_integers(STRIDED_SLICE, 1, [0, 2**31 - 1, 0]), "STRIDED_SLICE of nothing"),
    "slice steps": (set_integers(STRIDED_SLICE, 3, [1, 0, 1]), "steps"),
    "huge tensor": (set_tensor(CONV_2D, 0, "shape", [1, 2**30, 1, 24]), "larger than 64 MB"),
    "negative shape": (set_tensor(CONV_2D, 0, "shape", [1, -1, 12, 24]), "empty dimension"),
    "constant too short": (set_tensor(CONV_2D, 1, "shape", [9, 1, 8, 24]), "bytes, not"),
    "type": (set_tensor(CONV_2D, 1, "type", 5), "has the type 5"),
    "no buffer": (set_tensor(CONV_2D, 1, "buffer", 1000), "has no buffer"),
    "resizable": (set_tensor(CONV_2D, 0, "shapeSignature", [-1, 1, 12, 24]), "never writes"),
    "variable": (set_tensor(CONV_2D, 0, "isVariable", True), "never writes"),
    "name": (set_tensor(CONV_2D, 0, "name", b"a\nb"), "not plain text"),
    "no such tensor": (lambda model: operator(model, 3).inputs.__setitem__(0, 99), "no tensor"),
    "no input": (lambda model: operator(model, 3).inputs.__setitem__(0, -1), "no input 0"),
    "order": (read_ahead, "not written yet"),
    "two graphs": (twice_the_graph, "2 graphs"),
    "custom operator": (custom_operator, "never writes"),
    "other operator": (other_operator, "operator 119"),
    "NaN": (weights_of_nan, "not numbers"),
    "version": (lambda model: setattr(model, "version", 4), "schema is 4"),
    "output": (lambda model: model.subgraphs[0].outputs.__setitem__(0, 99), "is not a tensor"),
    "signature": (
        lambda model: setattr(model.signatureDefs[0].inputs[0], "tensorIndex", 2**31),
        "signature",
    ),
    "note": (lambda model: setattr(model.metadata[0], "buffer", 2**31), "note"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_contradicts_itself_is_named(kind: str) -> None:
    change, expected = FAULTS[kind]
    model = read_flatbuffer(BEEP)
    for each in model.subgraphs[0].operators:
        each.inputs = list(each.inputs)
    model.subgraphs[0].outputs = list(model.subgraphs[0].outputs)
    change(model)
    with pytest.raises(ArtefactError, match=expected) as caught:
        check_flatbuffer(write_flatbuffer(model))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 4, 8, 16, 40, 400, len(BEEP) - 1])
def test_cut_files_are_refused(length: int) -> None:
    with pytest.raises(ArtefactError, match="the network is damaged"):
        check_flatbuffer(BEEP[:length])


@pytest.mark.parametrize("limit", ["MOST_TABLES", "MOST_ELEMENTS"])
def test_what_is_read_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Tables may be shared, so that a small file could be read for ever."""
    monkeypatch.setattr(f"firmware_py.flatbuffer_check.reader.{limit}", 30)
    with pytest.raises(ArtefactError, match="more than 30 "):
        check_flatbuffer(BEEP)


def test_a_text_that_all_tensors_share() -> None:
    """Half a megabyte on the disk would be gigabytes in memory."""
    text = b"a" * 500_000
    content = bytearray(BEEP + bytes(-len(BEEP) % 4))
    start = len(content)
    content += struct.pack("<I", len(text)) + text + bytes(4)
    graph = schema.Model.GetRootAs(BEEP).Subgraphs(0)
    for number in range(graph.TensorsLength()):
        table = graph.Tensors(number)._tab
        place = table.Pos + table.Offset(10)  # its name
        struct.pack_into("<I", content, place, start - place)
    with pytest.raises(ArtefactError, match="more than 1,000,000 elements"):
        check_flatbuffer(bytes(content))


def test_a_buffer_that_many_tensors_share() -> None:
    """Its values would be looked at for each of them, for minutes."""
    model = read_flatbuffer(BEEP)
    graph = model.subgraphs[0]
    weights = np.zeros(2**21, np.float32)
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = weights.view(np.uint8)
    for number in range(12):
        tensor = schema.TensorT()
        tensor.name, tensor.shape = f"t{number}", [len(weights)]
        tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    with pytest.raises(ArtefactError, match="its weights take 64 MB or more"):
        check_flatbuffer(write_flatbuffer(model))


def test_weights_that_several_operators_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each operator keeps a copy of its own, laid out as its kernel wants it."""
    model = read_flatbuffer(BEEP)
    graph = model.subgraphs[0]
    read = sum(
        4 * int(np.prod(graph.tensors[index].shape))
        for each in graph.operators
        for index in each.inputs
    )
    monkeypatch.setattr("firmware_py.flatbuffer_check.check.MOST_READ_BYTES", read)
    check_flatbuffer(BEEP)
    convolution = operator(model, CONV_2D)
    graph.operators.insert(graph.operators.index(convolution), copied(model, convolution))
    with pytest.raises(ArtefactError, match="its operators read "):
        check_flatbuffer(write_flatbuffer(model))


def copied(model: Any, convolution: Any) -> Any:
    """Return the same operator with another output."""
    graph = model.subgraphs[0]
    again, output = copy(convolution), copy(graph.tensors[convolution.outputs[0]])
    again.outputs = [len(graph.tensors)]
    graph.tensors.append(output)
    return again


@pytest.mark.parametrize("runtime", MODULES)
def test_mutants_that_pass_end_no_interpreter(tmp_path: Path, runtime: str) -> None:
    pytest.importorskip(MODULES[runtime].partition(".")[0])
    rng = random.Random(runtime)
    passed = 0
    for path in (DATA / "beep.tflite", ROOT / "models/trained/commands-cnn/commands-cnn.tflite"):
        content = read_artefact(path).flatbuffer
        spots = places(content)
        for number in range(1500):
            changed = mutant(content, spots, rng)
            try:
                check_flatbuffer(changed)
            except ArtefactError:
                continue
            passed += changed != content
            (tmp_path / f"{path.stem}-{number}").write_bytes(changed)
    assert passed > 10
    script = Path(__file__).parent / "fuzz" / "run_networks.py"
    command = [sys.executable, str(script), runtime, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]
