"""The graph as a whole: who writes what, in which order, and how much it takes."""

from collections.abc import Sequence
from typing import Any

from firmware_py.flatbuffer_check.layouts import MODEL
from firmware_py.flatbuffer_check.operator import Operator
from firmware_py.flatbuffer_check.reader import Reader, Row
from firmware_py.flatbuffer_check.rules import RULES
from firmware_py.flatbuffer_check.tensors import MOST_BYTES, Tensor, read_tensor, require

SCHEMA_VERSION = 3
MOST_TENSORS = 10_000
MOST_INPUTS = 64
MOST_MULTIPLICATIONS = 2_000_000_000
"""Of one call; the largest model of ours takes 20 millions."""
MOST_READ_BYTES = 128 * 2**20
"""Of all operators together, as float32: kernels keep a copy of their weights, each its own. The
largest model of ours reads 13 MB."""
MOST_OPERATOR_VERSION = 20
LEFT_OUT = -1


def check_flatbuffer(content: bytes) -> int:
    """Return the multiplications of a call; raises ArtefactError unless that is safe to run."""
    model = Reader(content).root(MODEL)
    require(content[4:8] == b"TFL3", "it is not a TensorFlow Lite model")
    require(model["version"] == SCHEMA_VERSION, f"its schema is {model['version']}")
    require(len(model["subgraphs"]) == 1, f"it has {len(model['subgraphs'])} graphs, not one")
    buffers = [row["data"] or memoryview(b"") for row in model["buffers"]]
    (graph,) = model["subgraphs"]
    tensors = _tensors(graph["tensors"], buffers)
    operators = _operators(graph["operators"], model["operator_codes"], tensors)
    _check_order(graph, operators, tensors)
    _check_side_tables(model, len(tensors), len(buffers))
    return _effort(operators, tensors)


def _tensors(rows: Sequence[Row], buffers: list[memoryview]) -> list[Tensor]:
    """Return the tensors; those that share a buffer are looked through each for itself."""
    require(len(rows) <= MOST_TENSORS, f"it has {len(rows):,} tensors")
    tensors, num_bytes = [], 0
    for row in rows:
        tensors.append(read_tensor(row, buffers))
        num_bytes += len(tensors[-1].data)
        require(num_bytes <= MOST_BYTES, f"its weights take {num_bytes / 2**20:.0f} MB or more")
    return tensors


def _operators(
    rows: Sequence[Row], codes: Sequence[Row], tensors: Sequence[Tensor]
) -> list[Operator]:
    return [_operator(row, codes, tensors) for row in rows]


def _operator(row: Row, codes: Sequence[Row], tensors: Sequence[Tensor]) -> Operator:
    require(row["opcode_index"] < len(codes), "an operator is of no kind")
    code = codes[row["opcode_index"]]
    # As the interpreters read it: codes below 127 may stand in either field.
    number = max(code["code"], code["deprecated_code"])
    require(number in RULES, f"operator {number} is none that our converter writes")
    require(1 <= code["version"] <= MOST_OPERATOR_VERSION, "an operator's version is absurd")
    places = (*row["inputs"], *row["outputs"])
    known = all(LEFT_OUT <= place < len(tensors) for place in places)
    require(known and LEFT_OUT not in row["outputs"], "an operator reads or writes no tensor")
    return Operator(
        RULES[number][0],
        [None if place == LEFT_OUT else tensors[place] for place in row["inputs"]],
        [tensors[place] for place in row["outputs"]],
        row["options"],
    )


def _check_order(graph: Row, operators: Sequence[Operator], tensors: Sequence[Tensor]) -> None:
    """Each value is written once, and before it is read."""
    inputs = _ends(graph["inputs"], tensors)
    outputs = _ends(graph["outputs"], tensors)
    written = {id(tensor) for tensor in inputs}
    for tensor in inputs:
        require(not tensor.is_constant, f"the input {tensor.name!r} is a constant")
    for operator in operators:
        for source in operator.inputs:
            ready = source is None or source.is_constant or id(source) in written
            require(ready, f"an operator {operator.kind} reads what is not written yet")
        for target in operator.outputs:
            new = id(target) not in written and not target.is_constant
            require(new, f"an operator {operator.kind} writes what is written already")
            written.add(id(target))
    for tensor in outputs:
        require(id(tensor) in written, f"nothing writes the output {tensor.name!r}")


def _ends(places: Sequence[int], tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the inputs or the outputs of the graph."""
    require(1 <= len(places) <= MOST_INPUTS, f"it has {len(places)} inputs or outputs")
    known = all(0 <= place < len(tensors) for place in places)
    require(known, "an input or output is not a tensor")
    require(len(set(places)) == len(places), "an input or output is there twice")
    ends = [tensors[place] for place in places]
    for tensor in ends:
        require(tensor.type == "float32", f"{tensor.name!r} is {tensor.type}, not float32")
    return ends


def _effort(operators: Sequence[Operator], tensors: Sequence[Tensor]) -> int:
    """Return the multiplications of a call, within bounds as its memory is."""
    rules = dict(RULES.values())
    cost = sum(rules[operator.kind](operator) for operator in operators)
    require(cost <= MOST_MULTIPLICATIONS, f"a call takes {cost / 1e9:.0f} billion multiplications")
    read = 4 * sum(source.size for operator in operators for source in operator.inputs if source)
    require(read <= MOST_READ_BYTES, f"its operators read {read / 2**20:.0f} MB")
    memory = sum(tensor.num_bytes for tensor in tensors if not tensor.is_constant)
    require(memory <= MOST_BYTES, f"it takes {memory / 2**20:.0f} MB of memory")
    return cost


def _check_side_tables(model: Row, num_tensors: int, num_buffers: int) -> None:
    """What interpreters read beside the graph: signatures and the converter's notes."""
    for signature in model["signatures"]:
        entries: list[dict[str, Any]] = [*signature["inputs"], *signature["outputs"]]
        known = all(entry["tensor"] < num_tensors for entry in entries)
        require(known and signature["subgraph"] == 0, "a signature names no tensor")
    for entry in model["metadata"]:
        require(entry["buffer"] < num_buffers, "a note of the converter has no buffer")
