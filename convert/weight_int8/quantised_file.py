"""Weights in 8 bits, arithmetic in floats: an edit of the float32 flatbuffer.

Each large constant of a dense or convolution operator becomes an int8 tensor with one scale for
each output channel (symmetric: Jacob et al. 2018, equation 1 with zero point 0) and a DEQUANTIZE
operator in front. Interpreters dequantise constants once, when the model is opened, so the file
is a quarter of the size and the speed is that of float32.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from convert.flatbuffer import read_flatbuffer, write_flatbuffer

LEAST_WEIGHTS = 1024
"""Smaller constants stay floats: nothing is won by them."""

_WEIGHTED = (schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.CONV_2D)
_WEIGHT_INPUT = 1
_DEQUANTIZE_VERSION = 5
"""The first version of DEQUANTIZE with a scale for each channel."""


def with_int8_weights(content: bytes) -> bytes:
    """Return the float32 flatbuffer `content` with its large weights in int8."""
    model = read_flatbuffer(content)
    (graph,) = model.subgraphs
    floats: dict[int, int] = {}
    inserted = []
    for operator in graph.operators:
        if _builtin(model, operator) not in _WEIGHTED:
            continue
        index = operator.inputs[_WEIGHT_INPUT]
        if index not in floats and _is_large_constant(model, graph.tensors[index]):
            floats[index] = _add_float_copy(graph, index)
            _quantise(model, graph.tensors[index])
            inserted.append(_dequantise(model, index, floats[index]))
        operator.inputs[_WEIGHT_INPUT] = floats.get(index, index)
    graph.operators = [*inserted, *graph.operators]
    return write_flatbuffer(model)


def quantise_channels(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 weights, [channels, ...] as `weights`, and float32 scales [channels]."""
    largest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    scales = np.where(largest > 0.0, largest / 127.0, 1.0).astype(np.float32)
    rounded = np.rint(weights / scales.reshape(-1, *[1] * (weights.ndim - 1)))
    return np.clip(rounded, -127, 127).astype(np.int8), scales


def _builtin(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _is_large_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    is_float = tensor.type == schema.TensorType.FLOAT32
    return is_float and data is not None and len(data) >= 4 * LEAST_WEIGHTS


def _add_float_copy(graph: Any, index: int) -> int:
    """Add a computed float tensor like the constant tensor `index`; return its index."""
    source = graph.tensors[index]
    tensor = schema.TensorT()
    tensor.name = _text(source.name) + "_float"
    tensor.shape = source.shape
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = 0
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _quantise(model: Any, tensor: Any) -> None:
    """Turn a constant float tensor, its own buffer included, into int8.

    What floats of 16 bits hold exactly (`costly_layers`) stays as exact.
    """
    buffer = model.buffers[tensor.buffer]
    weights = np.frombuffer(bytes(buffer.data), "<f4").reshape(tensor.shape)
    with np.errstate(over="ignore"):
        half = weights.astype("<f2")
    if np.array_equal(half, weights):
        buffer.data = np.frombuffer(half.tobytes(), np.uint8)
        tensor.type = schema.TensorType.FLOAT16
        return
    quantised, scales = quantise_channels(weights)
    buffer.data = np.frombuffer(quantised.tobytes(), np.uint8)
    tensor.type = schema.TensorType.INT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = scales
    tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    tensor.quantization.quantizedDimension = 0


def _dequantise(model: Any, source: int, target: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = _dequantise_code(model)
    operator.inputs = [source]
    operator.outputs = [target]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator


def _dequantise_code(model: Any) -> int:
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.DEQUANTIZE:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = _DEQUANTIZE_VERSION
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
