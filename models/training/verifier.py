"""The second stage: a small network that looks at what the first one nearly took for a word.

It sees the last 1.5 s at once, as frames of the first stage's own front end, and is trained on
places where the first stage is in doubt: so it learns what that one has not. It begins with the
speech embedding, which has heard more people than any recipe here; where the front end is another
than the embedding reads, it is a smaller network that learns all from the recipe.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray
from tqdm import tqdm
from tqdm.keras import TqdmCallback

from firmware_py.labels import SILENCE
from models.replacing import replacing
from models.settings.config import Config
from models.speech_embedding.network import build_embedding, fits
from models.training.checkpoint import save_model
from models.training.compilation import load_network
from models.training.task import network_of
from models.training.verifier_windows import (
    FRAMES,
    LookedAtClips,
    Windows,
    exclusive,
    make_windows,
)

Head = Literal["sigmoid", "softmax"]

HEADS = 3
"""Learnt from other beginnings and averaged: one alone is better or worse by luck."""
HEAD_UNITS = 32
HEAD_DROPOUT = 0.3
FILTERS = (24, 32, 48, 64)
"""Of each convolution of the smaller network; each halves frames and bins."""
DENSE_UNITS = 48
DROPOUT = 0.2

SEED_OFFSET = 500_000
"""Clips that the first stage has not seen."""
BATCH_SIZE = 128
LEARNING_RATE = 2e-3

log = logging.getLogger(__name__)


def build_head(
    num_features: int, num_labels: int, units: int, activation: Head = "sigmoid"
) -> keras.Sequential:
    """Return what learns: embeddings [windows, num_features] to posteriors [windows, labels]."""
    model = keras.Sequential([keras.Input((num_features,), name="features")])
    _add_answers(model, HEAD_DROPOUT, units, num_labels, activation)
    return model


def merged(heads: Sequence[keras.Model]) -> keras.Sequential:
    """Return one head whose logits are the mean of those of `heads`, which are of one shape."""
    activation = heads[0].get_layer("head").get_config()["activation"]
    dense = [head.get_layer("dense").get_weights() for head in heads]
    last = [head.get_layer("head").get_weights() for head in heads]
    kernels, biases = zip(*dense, strict=True)
    rows, offsets = zip(*last, strict=True)
    (num_features, units), num_labels = kernels[0].shape, len(offsets[0])
    whole = build_head(num_features, num_labels, units * len(heads), activation)
    whole.get_layer("dense").set_weights([np.concatenate(kernels, axis=1), np.concatenate(biases)])
    mean = [np.concatenate(rows) / len(heads), np.mean(offsets, axis=0)]
    whole.get_layer("head").set_weights(mean)
    return whole


def build_small(num_bins: int, num_labels: int, activation: Head = "sigmoid") -> keras.Sequential:
    """Return a network without embedding: frames [windows, FRAMES, num_bins] to posteriors."""
    model = keras.Sequential([keras.Input((FRAMES, num_bins), name="frames")])
    model.add(layers.Reshape((FRAMES, num_bins, 1), name="image"))
    for number, filters in enumerate(FILTERS, start=1):
        model.add(
            layers.Conv2D(
                filters, 5 if number == 1 else 3, 2, "same", use_bias=False, name=f"conv_{number}"
            )
        )
        model.add(layers.BatchNormalization(name=f"norm_{number}"))
        model.add(layers.ReLU(name=f"relu_{number}"))
    model.add(layers.MaxPooling2D((2, 1), name="pool"))
    model.add(layers.Flatten(name="flat"))
    _add_answers(model, DROPOUT, DENSE_UNITS, num_labels, activation)
    return model


def _add_answers(
    model: keras.Sequential, dropout: float, units: int, num_labels: int, activation: Head
) -> None:
    """Add the layers that turn features, [windows, features], into posteriors."""
    model.add(layers.Dropout(dropout, name="dropout"))
    model.add(layers.Dense(units, activation="relu", name="dense"))
    model.add(layers.Dense(num_labels, activation=activation, name="head"))


def train_verifier(
    clips: LookedAtClips,
    first_stage: Path,
    out: Path,
    executor: Executor,
    *,
    count: int,
    epochs: int,
    seed: int,
) -> Path:
    """Train a verifier for the network at `first_stage`; write it to `out` and return that.

    clips: made with `seed` + SEED_OFFSET; `count` of them are looked at. A run that was stopped
    goes on: its windows and epochs lie in a folder beside `out` until it ends.
    """
    work = out.with_name(f".{out.stem}-work")
    work.mkdir(parents=True, exist_ok=True)
    kept = work / "windows.npz"
    if not kept.exists():
        network = network_of(load_network(first_stage))
        found = make_windows(clips, executor, network, count)
        with replacing(kept) as part, part.open("wb") as archive:
            np.savez(archive, **vars(found))
    with np.load(kept) as arrays:
        windows = Windows(arrays["frames"], arrays["targets"], arrays["weights"])
    config, labels = clips.config, clips.config.labels
    head: Head = "sigmoid"
    if config.streaming_network.head == "softmax" and SILENCE in labels:
        head, windows = "softmax", exclusive(windows, labels.index(SILENCE))
    if fits(config.front_end):
        model = _fit_embedded(config, windows, head, epochs, seed, work)
    else:
        keras.utils.set_random_seed(seed)
        model = build_small(windows.frames.shape[2], windows.targets.shape[1], head)
        _fit(model, windows.frames, windows, epochs, work)
    save_model(model, out)
    for file in sorted(work.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    work.rmdir()
    return out


def _fit_embedded(
    config: Config, windows: Windows, activation: Head, epochs: int, seed: int, work: Path
) -> keras.Model:
    """Return the embedding, as it is, with heads that have learnt from what it says."""
    embedding = build_embedding(config.front_end, FRAMES)
    features = _embeddings(embedding, windows.frames, work / "embeddings.npy")
    heads = []
    for number in range(HEADS):
        keras.utils.set_random_seed(seed + number)
        head = build_head(features.shape[1], windows.targets.shape[1], HEAD_UNITS, activation)
        _fit(head, features, windows, epochs, work / f"head-{number}")
        heads.append(head)
    frames = keras.Input(windows.frames.shape[1:], name="frames")
    return keras.Sequential([frames, *embedding.layers, *merged(heads).layers])


def _embeddings(
    embedding: keras.Model, frames: NDArray[np.float16], kept: Path
) -> NDArray[np.float16]:
    """Return the embeddings of windows, [windows, features], which are kept at `kept`."""
    if not kept.exists():
        found = np.concatenate(
            [
                embedding.predict_on_batch(frames[first : first + BATCH_SIZE]).astype(np.float16)
                for first in tqdm(range(0, len(frames), BATCH_SIZE), unit="batch")
            ]
        )
        with replacing(kept) as part, part.open("wb") as file:
            np.save(file, found)
    embeddings: NDArray[np.float16] = np.load(kept)
    return embeddings


def _fit(
    model: keras.Model, inputs: NDArray[np.float16], windows: Windows, epochs: int, work: Path
) -> None:
    """Teach `model`; inputs: what it sees of each window, [windows, ...]."""
    steps = epochs * -(-len(inputs) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.01)
    activation = model.get_layer("head").get_config()["activation"]
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-4), loss=LOSSES[activation])
    log.info(
        "%d windows, %d after a word; %d parameters to learn",
        len(inputs),
        int(windows.targets.any(axis=1).sum()),
        model.count_params(),
    )
    model.fit(
        inputs,
        np.stack([windows.targets, windows.weights], axis=2),
        batch_size=BATCH_SIZE,
        epochs=epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(work / "epochs"),
            TqdmCallback(verbose=1, unit="epoch"),
        ],
    )


def _weighted_cross_entropy(
    wanted: keras.KerasTensor, said: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the loss of each window; wanted: targets and weights, [windows, labels, 2]."""
    targets, weights = wanted[..., 0], wanted[..., 1]
    said = ops.clip(said, 1e-6, 1.0 - 1e-6)
    loss = -(targets * ops.log(said) + (1.0 - targets) * ops.log(1.0 - said))
    return ops.sum(weights * loss, axis=-1)


def _weighted_categorical_cross_entropy(
    wanted: keras.KerasTensor, said: keras.KerasTensor
) -> keras.KerasTensor:
    """The same for labels of which exactly one is right."""
    targets, weights = wanted[..., 0], wanted[..., 1]
    return -ops.sum(weights * targets * ops.log(ops.clip(said, 1e-6, 1.0)), axis=-1)


LOSSES = {
    "sigmoid": _weighted_cross_entropy,
    "softmax": _weighted_categorical_cross_entropy,
}
