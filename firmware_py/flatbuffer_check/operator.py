"""One operator of the graph, and what all rules ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from firmware_py.flatbuffer_check.reader import Row
from firmware_py.flatbuffer_check.tensors import MOST_BYTES, Tensor, require

MOST_RATIO = 2.0**28
"""Of the product of the inputs' scales to the output's scale; kernels write it as a 32-bit
fixed-point number and end the process where it does not fit."""


@dataclass(frozen=True)
class Operator:
    """An operator with its tensors."""

    kind: str
    inputs: Sequence[Tensor | None]
    """None: an optional one that is left out."""
    outputs: Sequence[Tensor]
    options: Row | None

    def input(self, index: int) -> Tensor:
        """Return an input that must be there."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            self.require(False, f"has no input {index}")
        assert tensor is not None
        return tensor

    @property
    def output(self) -> Tensor:
        """The only output."""
        self.require(len(self.outputs) == 1, f"has {len(self.outputs)} outputs")
        return self.outputs[0]

    def expect_inputs(self, *counts: int) -> None:
        found = len(self.inputs)
        self.require(found in counts, f"has {found} inputs")

    def option(self, name: str) -> int:
        """Return an option as a number; the operator must have options."""
        self.require(self.options is not None, "has no options")
        assert self.options is not None
        self.require(name in self.options, "has the options of another operator")
        return int(self.options[name])

    def expect_activation(self) -> None:
        """Fused activations: none, ReLU, ReLU from -1 to 1, ReLU up to 6."""
        self.require(0 <= self.option("activation") <= 3, "has an unknown activation")

    def expect_output(self, shape: Sequence[int], type_name: str) -> None:
        output = self.output
        self.require(
            output.shape == tuple(shape) and output.type == type_name,
            f"gives {output.type} {list(output.shape)}, not {type_name} {list(shape)[:9]}",
        )
        self.require(not output.is_constant, "writes to a constant")

    def constant(self, index: int) -> list[int]:
        """Return a constant int32 vector or scalar that is an input."""
        tensor = self.input(index)
        self.require(
            tensor.is_constant and tensor.type == "int32" and len(tensor.shape) <= 1,
            f"has no constant integers as its input {index}",
        )
        self.require(tensor.size <= 16, f"has too many integers as its input {index}")
        return [int(each) for each in tensor.values.reshape(-1)]

    def axis(self, axis: int, tensor: Tensor) -> int:
        """Return the axis of a tensor, counted from its beginning."""
        rank = len(tensor.shape)
        self.require(-rank <= axis < rank, f"has no axis {axis}")
        return axis % rank

    def expect_scale_ratio(self, *inputs: Tensor) -> None:
        """The product of scales, over the output's, fits the kernels' fixed-point numbers."""
        if self.output.type in ("int8", "int16"):
            product = prod(max(each.scales, default=1.0) for each in inputs)
            ratio = product / self.output.scales[0]
            self.require(1 / MOST_RATIO**2 < ratio < MOST_RATIO, "has scales that do not fit")

    def expect_scratch(self, num_bytes: int) -> None:
        """Memory that the kernel takes beside its tensors."""
        self.require(num_bytes <= MOST_BYTES, f"needs {num_bytes / 2**20:.0f} MB to work in")

    def require(self, condition: bool, fault: str) -> None:
        require(condition, f"an operator {self.kind} {fault}")
