"""The shape of a network: settings only, so that data workers need no Keras."""

from dataclasses import dataclass
from typing import Literal

from firmware_py.errors import SettingsError


@dataclass(frozen=True)
class Network:
    """Widths, strides, layers and head of a network; the defaults are the reference's."""

    filters: int = 196
    kernel_size: int = 15
    """Frames that one step of the convolution sees."""
    stride: int = 4
    """Frames from one step to the next."""
    gru_units: tuple[int, ...] = (128, 128)
    """Units of each recurrent layer."""
    reset_after: bool = True
    """The GRU form: True applies the reset gate after the recurrent product (two biases)."""
    head: Literal["sigmoid", "softmax"] = "sigmoid"
    """sigmoid: each label by itself; softmax: exactly one label at a time."""
    dropout: float = 0.8
    """Share dropped after the convolution and around the recurrent layers."""

    def __post_init__(self) -> None:
        if not 1 <= self.stride <= self.kernel_size:
            raise SettingsError(f"network stride is {self.stride}; it must be 1 to kernel_size")
        if not self.gru_units:
            raise SettingsError("network gru_units is empty; name at least one layer's units")

    def num_steps(self, num_frames: int) -> int:
        """Return the number of output steps for `num_frames` frames."""
        return max(0, (num_frames - self.kernel_size) // self.stride + 1)

    def num_parameters(self, num_bins: int, num_labels: int) -> int:
        """Return the number of weights, those of the normalisations' statistics included."""
        count = (self.kernel_size * num_bins + 1) * self.filters + 4 * self.filters
        inputs = self.filters
        for units in self.gru_units:
            biases = 2 if self.reset_after else 1
            count += 3 * units * (inputs + units + biases) + 4 * units
            inputs = units
        return count + (inputs + 1) * num_labels


@dataclass(frozen=True)
class WindowNetwork:
    """A convolutional network over a whole window of frames, which moves along the stream."""

    window_frames: int = 124
    """Frames that one answer sees: one second of 255 / 128 samples at 16 kHz."""
    stride: int = 10
    """Frames from one answer to the next."""
    image_size: int = 32
    """The window is resized to so many rows and columns."""
    filters: tuple[int, ...] = (32, 64)
    """Of each 3 x 3 convolution; each halves rows and columns."""
    dense_units: int = 128
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.stride < self.window_frames:
            raise SettingsError(
                f"window stride is {self.stride}; it must be 1 to window_frames - 1"
            )
        if not self.filters:
            raise SettingsError("window filters is empty; name at least one convolution's filters")

    @property
    def kernel_size(self) -> int:
        """Frames that the first step needs, as a streamed network calls it."""
        return self.window_frames

    def num_steps(self, num_frames: int) -> int:
        """Return the number of answers for `num_frames` frames."""
        return max(0, (num_frames - self.window_frames) // self.stride + 1)
