"""Networks with random weights that behave like trained ones, for the tests of conversion."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tomli_w
from numpy.typing import NDArray

from convert.verifier import windows
from firmware_py.front_end import FrontEnd
from firmware_py.schema import to_mapping
from models.settings.network import Network
from models.training.architecture import offline_model

LOG_MEL = FrontEnd(
    sample_rate_hz=16000,
    window_length=400,
    hop_length=160,
    fft_length=512,
    full_scale=32768.0,
    num_mel_bins=24,
    log_epsilon=1e-6,
    mean=(-4.0,) * 24,
    deviation=(4.0,) * 24,
)
SMALL = Network(filters=24, kernel_size=8, stride=3, gru_units=(20, 16))


def made_network(
    network: Network, frames: NDArray[np.float32], num_labels: int = 1, seed: int = 0
) -> keras.Model:
    """Return the network with random weights, biases and normalisations.

    frames: float32 [n, num_bins]. The normalisations' statistics are near those of what reaches
    them, as after training; a sigmoid head passes 0.5 at one step in twenty.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = offline_model(network, frames.shape[1], num_labels)
    values = frames[None]
    for layer in model.layers:
        step = layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer
        if isinstance(step, keras.layers.BatchNormalization):
            step.set_weights(_statistics(rng, values))
        elif step.weights:
            *kernels, bias = step.get_weights()
            step.set_weights([*kernels, bias + rng.normal(0.0, 0.2, bias.shape)])
        if isinstance(step, keras.layers.Dense):
            kernel = 0.25 * step.get_weights()[0]
            step.set_weights([kernel, -np.quantile(values @ kernel, 0.95, (0, 1))])
        values = tf.function(step, autograph=False)(values).numpy()
    return model


def made_verifier(
    frames: NDArray[np.float32], length: int, num_labels: int = 1, seed: int = 0
) -> keras.Model:
    """Return a small second stage with random weights that passes 0.5 at one look in five.

    frames: float32 [n, num_bins]. length: the frames of a look.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    body = keras.Sequential(
        [
            keras.Input((length, frames.shape[1])),
            layers.Conv1D(16, 5, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling1D(2),
            layers.Conv1D(16, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling1D(),
        ]
    )
    values = windows(frames, length)
    for layer in body.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights(_statistics(np.random.default_rng(seed), values))
        values = layer(values).numpy()
    return _with_head(body, values, num_labels)


def made_incremental_verifier(
    frames: NDArray[np.float32], length: int, num_labels: int = 1, seed: int = 0
) -> keras.Model:
    """Return a second stage like `made_verifier` whose looks go on from earlier ones.

    Of `length` frames, 60, it needs rows of 3 frames, 2 and 1 at once, then the whole window.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    body = keras.Sequential(
        [
            keras.Input((length, frames.shape[1])),
            layers.Reshape((length, frames.shape[1], 1)),
            layers.Conv2D(6, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(8, (1, 3), padding="same"),
            layers.Rescaling(1.0, -0.1),
            layers.LeakyReLU(0.2),
            layers.Conv2D(8, (2, 1), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(4, (3, 1), activation="relu"),
            layers.Flatten(),
        ]
    )
    return _with_head(body, body.predict(windows(frames, length), verbose=0), num_labels)


def _with_head(
    body: keras.Sequential, values: NDArray[np.float32], num_labels: int
) -> keras.Sequential:
    """Return the network with a last layer; values: what `body` says of looks."""
    head = keras.layers.Dense(num_labels, activation="sigmoid")
    model = keras.Sequential([body.inputs[0], *body.layers, head])
    kernel = 3.0 * head.get_weights()[0]
    head.set_weights([kernel, -np.quantile(values @ kernel, 0.8, 0)])
    return model


def write_config(
    folder: Path, front_end: FrontEnd, network: Network, labels: tuple[str, ...] = ("word",)
) -> Path:
    """Write the configuration that belongs beside a model; return its path."""
    content = {
        "name": "made",
        "labels": list(labels),
        "front_end": to_mapping(front_end),
        "network": to_mapping(network),
    }
    path = folder / "config.toml"
    path.write_text(tomli_w.dumps(content))
    return path


def _statistics(rng: np.random.Generator, values: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Return gamma, beta, mean and variance for values [1, steps, channels]."""
    channels = values.shape[-1]
    mean, variance = values.mean((0, 1)), values.var((0, 1)) + 1e-3
    return [
        rng.uniform(0.5, 1.5, channels),
        rng.normal(0.0, 0.3, channels),
        mean + rng.normal(0.0, 0.1, channels) * np.sqrt(variance),
        variance * rng.uniform(0.7, 1.4, channels),
    ]
