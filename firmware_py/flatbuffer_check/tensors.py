"""Tensors: what they hold, how large they are, and whether their constants make sense."""

from dataclasses import dataclass
from functools import cached_property
from math import isfinite, prod
from typing import Any

import numpy as np

from firmware_py.errors import ArtefactError
from firmware_py.flatbuffer_check.reader import Row

MOST_DIMENSIONS = 4
MOST_BYTES = 64 * 2**20
"""Memory of one tensor and of all computed ones together."""
LONGEST_NAME = 1000
SCALES = (1e-12, 1e12)
"""From the least to the largest step of a quantised value."""
TYPES = {0: "float32", 1: "float16", 2: "int32", 4: "int64", 7: "int16", 9: "int8"}
"""Number in the schema's TensorType: numpy's name."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of the graph; its shape is fixed."""

    name: str
    type: str
    """numpy's name of the type of its values."""
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    """Steps of quantised values: one, or one a channel."""
    zero_points: tuple[int, ...]
    channel_axis: int
    """The axis of the scales, where there are several."""
    data: memoryview
    """The values of a constant; empty: computed, or an input."""

    @property
    def is_constant(self) -> bool:
        return bool(self.data)

    @cached_property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def num_bytes(self) -> int:
        return self.size * np.dtype(self.type).itemsize

    @property
    def values(self) -> Any:
        """The values of a constant, of `shape`."""
        return np.frombuffer(self.data, np.dtype(self.type)).reshape(self.shape)


def read_tensor(row: Row, buffers: list[memoryview]) -> Tensor:
    """Return the tensor of a table; raises ArtefactError for one that contradicts itself."""
    quantization = row["quantization"] or {"scale": (), "zero_point": (), "dimension": 0}
    name = row["name"]
    require(len(name) <= LONGEST_NAME and name.isprintable(), "a tensor's name is not plain text")
    require(row["type"] in TYPES, f"tensor {name!r} has the type {row['type']}")
    require(row["buffer"] < len(buffers), f"tensor {name!r} has no buffer")
    tensor = Tensor(
        name,
        TYPES[row["type"]],
        tuple(row["shape"]),
        tuple(quantization["scale"]),
        tuple(quantization["zero_point"]),
        quantization["dimension"],
        buffers[row["buffer"]],
    )
    _check_shape(tensor)
    _check_scales(tensor)
    _check_values(tensor)
    return tensor


def require(condition: bool, fault: str) -> None:
    """Raise ArtefactError with the fault of the network unless `condition` holds."""
    if not condition:
        raise ArtefactError(f"the network is damaged: {fault}")


def _check_shape(tensor: Tensor) -> None:
    what = f"tensor {tensor.name!r} of the shape {list(tensor.shape)[:9]}"
    require(len(tensor.shape) <= MOST_DIMENSIONS, f"{what} has too many dimensions")
    require(min(tensor.shape, default=1) >= 1, f"{what} has an empty dimension")
    require(tensor.num_bytes <= MOST_BYTES, f"{what} is larger than {MOST_BYTES // 2**20} MB")
    if tensor.is_constant:
        require(
            tensor.num_bytes == len(tensor.data),
            f"{what} needs {tensor.num_bytes:,} bytes, not {len(tensor.data):,}",
        )


def _check_scales(tensor: Tensor) -> None:
    scales, zero_points, what = tensor.scales, tensor.zero_points, f"tensor {tensor.name!r}"
    if not scales:
        require(not zero_points, f"{what} has a zero point and no scale")
        require(tensor.type not in ("int8", "int16"), f"{what} is quantised without a scale")
        return
    several = len(scales) > 1
    if several:
        axis = tensor.channel_axis
        require(0 <= axis < len(tensor.shape), f"{what} has scales for no axis")
        require(len(scales) == tensor.shape[axis], f"{what} has {len(scales)} scales")
    require(len(zero_points) == len(scales), f"{what} has {len(zero_points)} zero points")
    least, largest = SCALES
    # NaN is in no order: each is compared.
    require(all(least <= each <= largest for each in scales), f"{what} has an absurd scale")
    if tensor.type in ("int8", "int16"):
        limits = np.iinfo(tensor.type)
        inside = limits.min <= min(zero_points) and max(zero_points) <= limits.max
        require(inside, f"{what} has an absurd zero point")
    if several or tensor.type != "int8":
        require(not any(zero_points), f"{what} has a zero point")


def _check_values(tensor: Tensor) -> None:
    """Refuse constants that are not numbers; each value of float weights is looked at once."""
    if tensor.is_constant and tensor.type.startswith("float"):
        # Far quicker than a look at each value; a sum of finite float32 stays finite in float64.
        with np.errstate(invalid="ignore"):
            total = float(np.sum(tensor.values, dtype=np.float64))
        require(isfinite(total), f"tensor {tensor.name!r} holds weights that are not numbers")
