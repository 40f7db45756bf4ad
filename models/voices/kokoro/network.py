"""Makes Kokoro's published int8 ONNX ready to speak for training: float32, with durations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

PRODUCTS = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}
DURATIONS = "/encoder/Cast_output_0"
"""Where the network holds how many frames each symbol lasts."""


@dataclass(frozen=True)
class Chain:
    """DynamicQuantizeLinear, an integer product, perhaps a bias, Cast, Mul: a float32 product."""

    product: Any
    between: tuple[Any, ...]
    """Add of the bias where there is one, and Cast."""
    scaling: Any
    values: str
    """The float32 input that is quantised."""
    weights: NDArray[np.float32]
    bias: str | None
    """Initializer of the float32 bias."""


def prepare_network(original: Path, out: Path) -> None:
    """Write the network of `original` to `out`, with inputs cap and bump and output durations.

    cap, bump: int64 [1, symbols], the most frames of each symbol and frames to add to it.
    durations: int64 [1, symbols], frames of 600 samples.
    """
    model = onnx.load(original)
    _to_float(model.graph)
    _tell_durations(model.graph)
    onnx.save(model, out)


def _to_float(graph: Any) -> None:
    chains = {chain.product.name: chain for chain in _chains(graph)}
    replaced = {id(node) for chain in chains.values() for node in (*chain.between, chain.scaling)}
    nodes, written = [], set()
    for node in graph.node:
        chain = chains.get(node.name)
        if chain is not None:
            weights = f"{node.input[1]}_float"
            if weights not in written:
                graph.initializer.append(numpy_helper.from_array(chain.weights, weights))
            written.add(weights)
            kept = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            nodes.append(
                helper.make_node(
                    PRODUCTS[node.op_type],
                    [chain.values, weights, *([chain.bias] if chain.bias else [])],
                    list(chain.scaling.output),
                    name=f"{node.name}_float",
                    **kept,
                )
            )
        elif id(node) not in replaced:
            nodes.append(node)
    _keep(graph, nodes)


def _chains(graph: Any) -> Iterator[Chain]:
    """Yield every integer product whose weights are known and whose input is quantised for it."""
    known = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for node in graph.node:
        quantised = makers.get(node.input[0]) if node.op_type in PRODUCTS else None
        if quantised is None or quantised.op_type != "DynamicQuantizeLinear":
            continue
        if node.input[1] not in known:
            continue
        path = _path(node, users, ("Add", "Cast", "Mul")) or _path(node, users, ("Cast", "Mul"))
        if not path:
            continue
        *between, cast, scaling = path
        scales = makers[next(name for name in scaling.input if name != cast.output[0])]
        scale = known[next(name for name in scales.input if name in known)]
        zero = known[node.input[3]] if len(node.input) > 3 and node.input[3] else None
        weights = _weights(node.op_type, known[node.input[1]], zero, scale)
        bias = (
            _bias(next(n for n in between[0].input if n != node.output[0]), makers, known)
            if between
            else None
        )
        yield Chain(node, (*between, cast), scaling, quantised.input[0], weights, bias)


def _path(node: Any, users: dict[str, list[Any]], kinds: tuple[str, ...]) -> list[Any]:
    """Return the nodes of these kinds that follow, each the only user of the one before."""
    path = [node]
    for kind in kinds:
        following = users.get(path[-1].output[0], [])
        if [user.op_type for user in following] != [kind]:
            return []
        path += following
    return path[1:]


def _bias(name: str, makers: dict[str, Any], known: dict[str, Any]) -> str:
    """Return the initializer that Reshape(Cast(Floor(Div(bias, scale)))) quantises."""
    while name not in known:
        name = makers[name].input[0]
    return name


def _weights(kind: str, tensor: Any, zero: Any, scale: Any) -> NDArray[np.float32]:
    """Return (weights - zero point) * scale, by output channel where there are several."""
    weights = numpy_helper.to_array(tensor).astype(np.float32)
    shape = (-1, *[1] * (weights.ndim - 1)) if kind == "ConvInteger" else (-1,)

    def by_channel(values: Any) -> NDArray[np.float32]:
        array = numpy_helper.to_array(values).astype(np.float32)
        return array.reshape(()) if array.size == 1 else array.reshape(shape)

    shifted = weights if zero is None else weights - by_channel(zero)
    result: NDArray[np.float32] = shifted * by_channel(scale)
    return result


def _keep(graph: Any, nodes: list[Any]) -> None:
    """Leave only the nodes whose results are used, and only the weights that they use."""
    outputs = {output.name for output in graph.output}
    while True:
        used = outputs | {name for node in nodes for name in _inputs(node)}
        left = [node for node in nodes if used & set(node.output)]
        if len(left) == len(nodes):
            break
        nodes = left
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)


def _inputs(node: Any) -> Iterator[str]:
    """Yield the names that a node reads, those inside its branches included."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _inputs(inner)


def _tell_durations(graph: Any) -> None:
    (maker,) = (place for place, node in enumerate(graph.node) if DURATIONS in node.output)
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == DURATIONS:
                node.input[place] = "durations"
    graph.initializer.append(numpy_helper.from_array(np.array(1, np.int64), "one_frame"))
    steps = (
        ("Add", [DURATIONS, "bump"], "bumped"),
        ("Max", ["bumped", "one_frame"], "floored"),
        ("Min", ["floored", "cap"], "durations"),
    )
    for place, (kind, inputs, output) in enumerate(steps, start=maker + 1):
        graph.node.insert(place, helper.make_node(kind, inputs, [output], name=f"{output}_of"))
    for name in ("cap", "bump"):
        graph.input.append(
            helper.make_tensor_value_info(name, TensorProto.INT64, [1, "sequence_length"])
        )
    graph.output.append(
        helper.make_tensor_value_info("durations", TensorProto.INT64, [1, "sequence_length"])
    )
