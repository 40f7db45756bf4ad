"""Shapes of outputs, as the interpreters' kernels derive them."""

from collections.abc import Sequence
from itertools import zip_longest
from math import prod

from firmware_py.flatbuffer_check.operator import Operator
from firmware_py.flatbuffer_check.tensors import Tensor

Shape = Sequence[int]

MOST_STRIDE = 1000
SAME, VALID = 0, 1


def broadcast(operator: Operator, first: Shape, second: Shape) -> list[int]:
    """Return the shape of two tensors combined value by value, as in numpy."""
    pairs = list(zip_longest(reversed(first), reversed(second), fillvalue=1))
    operator.require(
        all(a == b or 1 in (a, b) for a, b in pairs), f"of {list(first)} and {list(second)}"
    )
    return [max(pair) for pair in reversed(pairs)]


def concatenated(operator: Operator, shapes: Sequence[Shape], axis: int) -> list[int]:
    """Return the shape of tensors joined along `axis`."""
    others = [[*shape[:axis], *shape[axis + 1 :]] for shape in shapes]
    same_rank = all(len(shape) == len(shapes[0]) for shape in shapes)
    operator.require(same_rank and all(each == others[0] for each in others), "of unlike shapes")
    return [*others[0][:axis], sum(shape[axis] for shape in shapes), *others[0][axis:]]


def reshaped(operator: Operator, size: int, lengths: list[int]) -> list[int]:
    """Return `lengths` with the one that is -1, if any, worked out."""
    known = prod(length for length in lengths if length != -1)
    operator.require(
        lengths.count(-1) <= 1 and known > 0 and min(lengths, default=1) >= -1, f"to {lengths}"
    )
    whole = [size // known if length == -1 else length for length in lengths]
    operator.require(prod(whole) == size, f"of {size} values to {lengths}")
    return whole


def sliced(operator: Operator, shape: Shape) -> list[int]:
    """Return the shape that is left of a tensor; steps are 1, begin and end may be negative."""
    begin, end, steps = (operator.constant(index) for index in (1, 2, 3))
    rank = len(shape)
    operator.require(len(begin) == len(end) == len(steps) == rank, f"of other than {rank} axes")
    operator.require(all(step == 1 for step in steps), f"with steps of {steps}")
    masks = [operator.option(name) for name in ("begin_mask", "end_mask", "shrink_axis_mask")]
    operator.require(all(0 <= mask < 1 << rank for mask in masks), "of an unknown axis")
    left = []
    for axis, length in enumerate(shape):
        from_start, to_end, single = (bool(mask >> axis & 1) for mask in masks)
        if single:
            inside = -length <= begin[axis] < length and not from_start
            operator.require(inside, f"at {begin[axis]} of {length}")
            continue
        last = None if to_end else end[axis]
        left.append(len(range(length)[None if from_start else begin[axis] : last]))
    operator.require(min(left, default=1) >= 1, "of nothing")
    return left


def reduced(operator: Operator, source: Tensor) -> list[int]:
    """Return the shape without the axes of the constant input 1."""
    axes = {operator.axis(axis, source) for axis in operator.constant(1)}
    operator.require(len(axes) == len(operator.constant(1)) and bool(axes), "along no axis")
    if operator.option("keep_dims"):
        return [1 if axis in axes else length for axis, length in enumerate(source.shape)]
    return [length for axis, length in enumerate(source.shape) if axis not in axes]


def convolved(operator: Operator, source: Shape, weights: Shape) -> list[int]:
    """Return the shape of [batch, rows, columns, channels] after a 2-D convolution."""
    operator.require(len(source) == len(weights) == 4, "of other than four axes")
    channels, height, width, depth = weights
    operator.require(source[3] == depth, f"of {source[3]} channels by {depth}")
    rows = _positions(operator, source[1], height, "stride_h", operator.option("dilation_h"))
    columns = _positions(operator, source[2], width, "stride_w", operator.option("dilation_w"))
    return [source[0], rows, columns, channels]


def pooled(operator: Operator, source: Shape) -> list[int]:
    """Return the shape of [batch, rows, columns, channels] after a pooling."""
    operator.require(len(source) == 4, "of other than four axes")
    rows = _positions(operator, source[1], operator.option("filter_h"), "stride_h")
    columns = _positions(operator, source[2], operator.option("filter_w"), "stride_w")
    return [source[0], rows, columns, source[3]]


def _positions(operator: Operator, length: int, window: int, stride: str, dilation: int = 1) -> int:
    """Return how many places of a window there are along an axis (ComputeOutSize, padding.h)."""
    step = operator.option(stride)
    padding = operator.option("padding")
    operator.require(1 <= step <= MOST_STRIDE, f"has a {stride} of {step}")
    operator.require(1 <= dilation <= MOST_STRIDE, f"has a dilation of {dilation}")
    operator.require(1 <= window <= length + MOST_STRIDE, f"has a window of {window}")
    operator.require(padding in (SAME, VALID), f"has a padding of {padding}")
    if padding == SAME:
        return -(-length // step)
    reach = (window - 1) * dilation + 1
    operator.require(reach <= length, f"has a window of {reach} over {length}")
    return (length - reach) // step + 1
