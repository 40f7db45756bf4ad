"""The networks: Conv1D + GRU over feature frames, one posterior per label and step."""

from dataclasses import dataclass
from typing import Literal

import keras
from keras import layers

from firmware_py.errors import SettingsError

CONVOLUTION = "conv1d"
NORM_AFTER_CONVOLUTION = "norm"


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


def build(
    network: Network, num_bins: int, num_labels: int, num_frames: int | None = None
) -> keras.Model:
    """Return the offline Keras model: [clips, frames, num_bins] to [clips, steps, num_labels].

    With the reference settings, 101 bins and 5511 frames it has 523,329 parameters and 1375
    steps. The layer order is the one of the course: Conv1D, normalisation, ReLU, dropout; per
    GRU dropout and normalisation, and a last dropout; a dense head on every step.
    """
    model = keras.Sequential([keras.Input((num_frames, num_bins), name="frames")])
    model.add(
        layers.Conv1D(network.filters, network.kernel_size, network.stride, name=CONVOLUTION)
    )
    model.add(layers.BatchNormalization(name=NORM_AFTER_CONVOLUTION))
    model.add(layers.ReLU(name="relu"))
    model.add(layers.Dropout(network.dropout, name="dropout"))
    for number, units in enumerate(network.gru_units, start=1):
        model.add(
            layers.GRU(units, return_sequences=True, reset_after=network.reset_after,
                       name=f"gru_{number}")
        )  # fmt: skip
        model.add(layers.Dropout(network.dropout, name=f"gru_{number}_dropout"))
        model.add(layers.BatchNormalization(name=f"gru_{number}_norm"))
    model.add(layers.Dropout(network.dropout, name="last_dropout"))
    model.add(layers.TimeDistributed(layers.Dense(num_labels, activation=network.head), name="head"))
    return model


def freeze_normalisations(model: keras.Model) -> list[str]:
    """Freeze every batch normalisation for fine-tuning and return their names.

    Few recordings would otherwise replace the statistics learnt from many.
    """
    frozen = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in frozen:
        layer.trainable = False
    return [layer.name for layer in frozen]
