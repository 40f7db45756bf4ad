"""Makes a published Piper network ready to speak for training: the same each time, with durations.

Piper's networks (VITS; Kim, Kong and Son, "Conditional variational autoencoder with adversarial
learning for end-to-end text-to-speech", 2021) draw their noise themselves, from a generator that
goes on from one utterance to the next. Here it becomes an input, so that an utterance depends on
what was asked for only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DRAWN = "RandomNormalLike"
DURATION = "Ceil"
"""Rounds how many frames each symbol lasts; nothing else in these networks is rounded up."""
NOISE, DURATIONS, ORIGIN = "noise", "durations", "noise_begins"
INPUTS = {"input", "input_lengths", "scales"}
SPEAKER = "sid"


def prepared(path: Path) -> bytes:
    """Return the network at `path` with the input `noise` and, where it tells, output `durations`.

    noise: float32 [more than all that is drawn], standard normal. durations: float32, frames of
    each symbol. Raises ValueError for a network that is not Piper's, onnx's errors for none.
    """
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    missing = INPUTS - {value.name for value in graph.input}
    if missing or not graph.output:
        raise ValueError(f"it has no input {', '.join(sorted(missing))} or no output")
    rounded = [node.output[0] for node in graph.node if node.op_type == DURATION]
    del graph.output[1:]
    nodes = [made for node in graph.node for made in _from_outside(node)]
    if len(rounded) == 1:
        nodes.append(helper.make_node("Identity", rounded, [DURATIONS]))
        graph.output.append(helper.make_tensor_value_info(DURATIONS, TensorProto.FLOAT, None))
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.int64), ORIGIN))
    graph.input.append(helper.make_tensor_value_info(NOISE, TensorProto.FLOAT, ["drawn"]))
    content: bytes = model.SerializeToString()
    return content


def _from_outside(node: Any) -> Iterator[Any]:
    """Yield what stands for a node: noise of the same shape from the input, where it draws some."""
    if node.op_type != DRAWN:
        yield node
        return
    (drawn,) = node.output
    shape, size, flat = (f"{drawn}_{part}" for part in ("shape", "size", "flat"))
    yield helper.make_node("Shape", [node.input[0]], [shape])
    yield helper.make_node("ReduceProd", [shape], [size], keepdims=1)
    yield helper.make_node("Slice", [NOISE, ORIGIN, size], [flat])
    yield helper.make_node("Reshape", [flat, shape], [drawn])
