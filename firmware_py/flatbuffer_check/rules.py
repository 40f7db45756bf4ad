"""What each operator demands of its tensors and options, and what it costs.

The operators are those that our converter writes, in any mode. Each rule derives the output's
shape and type as the kernel does, and refuses a file that says something else. It returns
multiply-accumulates, or values touched where there are none.
"""

from collections.abc import Callable, Mapping

from firmware_py.flatbuffer_check.operator import Operator
from firmware_py.flatbuffer_check.shapes import (
    broadcast,
    concatenated,
    convolved,
    pooled,
    reduced,
    reshaped,
    sliced,
)

Rule = Callable[[Operator], int]

ACTIVATIONS = ("float32", "int8", "int16")
"""Types of values that are computed."""
_WEIGHTED = {
    ("float32", "float32"): ("float32",),
    ("float32", "int8"): ("float32",),
    ("int8", "int8"): ("int32",),
    ("int16", "int8"): ("int64", "int32"),
}
"""Types of input and weights: those of the bias."""
_LARGEST_ADD_RATIO = 4096.0
"""Of an input's scale to the output's: ADD and SUB shift by 20 bits, or 15, and no further."""


def _elementwise(operator: Operator) -> int:
    operator.expect_inputs(1)
    source = operator.input(0)
    operator.require(source.type in ACTIVATIONS, f"of {source.type}")
    operator.expect_output(source.shape, source.type)
    return source.size


def _float_elementwise(operator: Operator) -> int:
    operator.require(operator.input(0).type == "float32", f"of {operator.input(0).type}")
    return _elementwise(operator)


def _leaky_relu(operator: Operator) -> int:
    slope = operator.options["alpha"] if operator.options and "alpha" in operator.options else 0.0
    operator.require(0.0 <= slope <= 1.0, f"has a slope of {slope}")
    operator.expect_scale_ratio(operator.input(0))
    return _elementwise(operator)


def _softmax(operator: Operator) -> int:
    beta = operator.options["beta"] if operator.options and "beta" in operator.options else 0.0
    operator.require(0.01 <= beta <= 100.0, f"has a beta of {beta}")
    source = operator.input(0)
    operator.require(bool(source.shape), "of a single value")
    operator.require(all(scale > 1e-5 for scale in source.scales), "has scales that do not fit")
    return _elementwise(operator)


def _binary(operator: Operator) -> int:
    operator.expect_inputs(2)
    first, second = operator.input(0), operator.input(1)
    operator.require(first.type == second.type, f"of {first.type} and {second.type}")
    operator.require(first.type in ACTIVATIONS, f"of {first.type}")
    operator.expect_output(broadcast(operator, first.shape, second.shape), first.type)
    return operator.output.size


def _added(operator: Operator) -> int:
    cost = _binary(operator)
    _expect_add_ratio(operator)
    operator.expect_activation()
    return cost


def _squared_difference(operator: Operator) -> int:
    cost = _binary(operator)
    _expect_add_ratio(operator)
    operator.expect_scale_ratio(operator.input(0), operator.input(0))
    return cost


def _expect_add_ratio(operator: Operator) -> None:
    if operator.output.scales and operator.output.type != "float32":
        largest = max(operator.input(index).scales[0] for index in (0, 1))
        ratio = largest / operator.output.scales[0]
        operator.require(ratio < _LARGEST_ADD_RATIO, "has scales that do not fit")


def _multiplied(operator: Operator) -> int:
    cost = _binary(operator)
    operator.expect_scale_ratio(operator.input(0), operator.input(1))
    operator.expect_activation()
    return cost


def _concatenation(operator: Operator) -> int:
    operator.expect_activation()
    operator.require(bool(operator.inputs), "has no input")
    parts = [operator.input(index) for index in range(len(operator.inputs))]
    kind = parts[0].type
    operator.require(
        kind in ACTIVATIONS and all(part.type == kind for part in parts), "of several types"
    )
    axis = operator.axis(operator.option("axis"), parts[0])
    operator.expect_output(concatenated(operator, [part.shape for part in parts], axis), kind)
    return operator.output.size


def _split(operator: Operator) -> int:
    operator.expect_inputs(2)
    source = operator.input(1)
    axes = operator.constant(0)
    operator.require(len(axes) == 1, "has no single axis")
    axis, parts = operator.axis(axes[0], source), len(operator.outputs)
    operator.require(parts == operator.option("num_splits") and parts > 0, f"into {parts} parts")
    operator.require(source.shape[axis] % parts == 0, f"of {source.shape[axis]} into {parts}")
    operator.require(source.type in ACTIVATIONS, f"of {source.type}")
    shape = list(source.shape)
    shape[axis] //= parts
    for output in operator.outputs:
        Operator(operator.kind, (), (output,), None).expect_output(shape, source.type)
    return source.size


def _reshape(operator: Operator) -> int:
    operator.expect_inputs(2)
    source = operator.input(0)
    operator.require(source.type in ACTIVATIONS, f"of {source.type}")
    operator.require(len(operator.input(1).shape) == 1, "has no list of lengths")
    operator.expect_output(reshaped(operator, source.size, operator.constant(1)), source.type)
    return source.size


def _strided_slice(operator: Operator) -> int:
    operator.expect_inputs(4)
    source = operator.input(0)
    operator.require(source.type in ACTIVATIONS, f"of {source.type}")
    for name in ("ellipsis_mask", "new_axis_mask", "offset"):
        operator.require(operator.option(name) == 0, f"has a {name}")
    operator.expect_output(sliced(operator, source.shape), source.type)
    return operator.output.size


def _quantize(operator: Operator) -> int:
    operator.expect_inputs(1)
    source, target = operator.input(0), operator.output
    allowed = {"float32": ("int8", "int16"), "int8": ("int8",), "int16": ("int16",)}
    operator.require(target.type in allowed.get(source.type, ()), f"{source.type} to {target.type}")
    operator.require(len(target.scales) == 1, "to several scales")
    operator.require(len(source.scales) == (source.type != "float32"), "from several scales")
    operator.expect_scale_ratio(source)
    operator.expect_output(source.shape, target.type)
    return source.size


def _dequantize(operator: Operator) -> int:
    operator.expect_inputs(1)
    source = operator.input(0)
    operator.require(source.type in ("float16", "int8", "int16"), f"of {source.type}")
    operator.require(len(source.scales) <= 1 or source.type == "int8", "from several scales")
    operator.expect_output(source.shape, "float32")
    return source.size


def _fully_connected(operator: Operator) -> int:
    operator.expect_inputs(3)
    operator.expect_activation()
    operator.require(operator.option("weights_format") == 0, "has shuffled weights")
    source, weights = operator.input(0), operator.input(1)
    operator.require(len(weights.shape) == 2 and bool(source.shape), "has no matrix")
    units, width = weights.shape
    _expect_weights(operator, units)
    operator.require(source.size % width == 0, f"of {source.size} values by {width}")
    if operator.option("keep_num_dims"):
        operator.require(source.shape[-1] == width, f"of {source.shape[-1]} values by {width}")
        shape = (*source.shape[:-1], units)
    else:
        shape = (source.size // width, units)
    operator.expect_output(shape, source.type)
    operator.expect_scale_ratio(source, weights)
    return source.size * units


def _convolution(operator: Operator) -> int:
    operator.expect_inputs(3)
    operator.expect_activation()
    source, weights = operator.input(0), operator.input(1)
    shape = convolved(operator, source.shape, weights.shape)
    _expect_weights(operator, weights.shape[0])
    operator.expect_output(shape, source.type)
    operator.expect_scale_ratio(source, weights)
    patch = weights.size // weights.shape[0]
    positions = operator.output.size // weights.shape[0]
    operator.expect_scratch(4 * positions * patch)
    return positions * weights.size


def _expect_weights(operator: Operator, channels: int) -> None:
    """Types of input, weights and bias belong together, and each channel has its bias."""
    source, weights, bias = operator.input(0), operator.input(1), operator.inputs[2]
    types = (source.type, weights.type)
    operator.require(types in _WEIGHTED, f"of {source.type} by {weights.type}")
    operator.require(weights.is_constant or weights.type == "float32", "has computed weights")
    operator.require(len(source.scales) <= 1, "has an input of several scales")
    if len(weights.scales) > 1:
        operator.require(weights.channel_axis == 0, "has scales along another axis")
    operator.require(not any(weights.zero_points), "has weights with a zero point")
    if bias is not None:
        operator.require(bias.type in _WEIGHTED[types], f"has a bias of {bias.type}")
        operator.require(bias.shape == (channels,), f"has a bias of {list(bias.shape)}")
        operator.require(bias.is_constant or bias.type == "float32", "has a computed bias")


def _max_pool(operator: Operator) -> int:
    operator.expect_inputs(1)
    operator.expect_activation()
    source = operator.input(0)
    operator.require(source.type in ACTIVATIONS, f"of {source.type}")
    operator.expect_output(pooled(operator, source.shape), source.type)
    return operator.output.size * operator.option("filter_w") * operator.option("filter_h")


def _mean(operator: Operator) -> int:
    operator.expect_inputs(2)
    source = operator.input(0)
    operator.require(source.type in ("float32", "int8"), f"of {source.type}")
    operator.expect_output(reduced(operator, source), source.type)
    operator.expect_scale_ratio(source)
    return source.size


def _resize_bilinear(operator: Operator) -> int:
    operator.expect_inputs(2)
    source, size = operator.input(0), operator.constant(1)
    operator.require(source.type in ("float32", "int8"), f"of {source.type}")
    operator.require(len(source.shape) == 4 and len(size) == 2, "of no image")
    operator.require(not (operator.option("align") and operator.option("half")), "aligned twice")
    operator.require(len(operator.input(1).shape) == 1 and min(size) >= 1, "has no list of lengths")
    operator.expect_output((source.shape[0], *size, source.shape[3]), source.type)
    return 4 * operator.output.size


RULES: Mapping[int, tuple[str, Rule]] = {
    0: ("ADD", _added),
    2: ("CONCATENATION", _concatenation),
    3: ("CONV_2D", _convolution),
    6: ("DEQUANTIZE", _dequantize),
    9: ("FULLY_CONNECTED", _fully_connected),
    14: ("LOGISTIC", _elementwise),
    17: ("MAX_POOL_2D", _max_pool),
    18: ("MUL", _multiplied),
    22: ("RESHAPE", _reshape),
    23: ("RESIZE_BILINEAR", _resize_bilinear),
    25: ("SOFTMAX", _softmax),
    28: ("TANH", _elementwise),
    40: ("MEAN", _mean),
    41: ("SUB", _added),
    45: ("STRIDED_SLICE", _strided_slice),
    49: ("SPLIT", _split),
    59: ("NEG", _float_elementwise),
    76: ("RSQRT", _elementwise),
    98: ("LEAKY_RELU", _leaky_relu),
    99: ("SQUARED_DIFFERENCE", _squared_difference),
    114: ("QUANTIZE", _quantize),
}
"""Number in the schema's BuiltinOperator: its name and its rule."""
