"""The networks: Conv1D + GRU over feature frames, one posterior per label and step."""

import keras
from keras import layers

from models.settings.config import Config
from models.settings.network import Network, WindowNetwork

CONVOLUTION = "conv1d"
NORM_AFTER_CONVOLUTION = "norm"


def build_network(config: Config) -> keras.Model:
    """Return the untrained network that a configuration describes."""
    num_bins, num_labels = config.front_end.num_bins, len(config.labels)
    if isinstance(config.network, WindowNetwork):
        return build_window(config.network, num_bins, num_labels)
    return offline_model(config.network, num_bins, num_labels)


def offline_model(
    network: Network, num_bins: int, num_labels: int, num_frames: int | None = None
) -> keras.Model:
    """Return the offline Keras model: [clips, frames, num_bins] to [clips, steps, num_labels].

    With the reference settings, 101 bins and 5511 frames it has 523,329 parameters and 1375
    steps. The layer order is the one of the course: Conv1D, normalisation, ReLU, dropout; per
    GRU dropout and normalisation, and a last dropout; a dense head on every step.
    """
    model = keras.Sequential([keras.Input((num_frames, num_bins), name="frames")])
    model.add(layers.Conv1D(network.filters, network.kernel_size, network.stride, name=CONVOLUTION))
    model.add(layers.BatchNormalization(name=NORM_AFTER_CONVOLUTION))
    model.add(layers.ReLU(name="relu"))
    model.add(layers.Dropout(network.dropout, name="dropout"))
    for number, units in enumerate(network.gru_units, start=1):
        model.add(
            layers.GRU(
                units, return_sequences=True, reset_after=network.reset_after, name=f"gru_{number}"
            )
        )
        model.add(layers.Dropout(network.dropout, name=f"gru_{number}_dropout"))
        model.add(layers.BatchNormalization(name=f"gru_{number}_norm"))
    model.add(layers.Dropout(network.dropout, name="last_dropout"))
    model.add(layers.Dense(num_labels, activation=network.head, name="head"))
    return model


def build_window(window: WindowNetwork, num_bins: int, num_labels: int) -> keras.Model:
    """Return the window network: [clips, window_frames, num_bins] to [clips, 1, num_labels].

    The classic small one: the spectrogram resized to a square, normalised over itself, 3 x 3
    convolutions, max pooling, two dense layers, softmax over the labels.
    """
    model = keras.Sequential([keras.Input((window.window_frames, num_bins), name="frames")])
    model.add(layers.Reshape((window.window_frames, num_bins, 1), name="image"))
    model.add(layers.Resizing(window.image_size, window.image_size, name="resized"))
    model.add(
        layers.LayerNormalization(
            axis=(1, 2, 3), epsilon=1e-6, center=False, scale=False, name="normalised"
        )
    )
    for number, filters in enumerate(window.filters, start=1):
        model.add(layers.Conv2D(filters, 3, use_bias=False, name=f"conv2d_{number}"))
        model.add(layers.BatchNormalization(name=f"conv2d_{number}_norm"))
        model.add(layers.ReLU(name=f"conv2d_{number}_relu"))
        model.add(layers.MaxPooling2D(name=f"conv2d_{number}_pool"))
    model.add(layers.Flatten(name="flat"))
    model.add(layers.Dense(window.dense_units, activation="relu", name="dense"))
    model.add(layers.Dropout(window.dropout, name="dense_dropout"))
    model.add(layers.Dense(num_labels, activation="softmax", name="head"))
    model.add(layers.Reshape((1, num_labels), name="posteriors"))
    return model


def freeze_normalisations(model: keras.Model) -> list[str]:
    """Freeze every batch normalisation for fine-tuning and return their names.

    Few recordings would otherwise replace the statistics learnt from many.
    """
    frozen = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in frozen:
        layer.trainable = False
    return [layer.name for layer in frozen]
