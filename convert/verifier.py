"""The second stage: a network that looks at the last frames where the first has a candidate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.incremental import incremental, run
from convert.reading.keras_file import load_any
from convert.step import Tensors
from firmware_py.artefact import Mode, Verifier
from firmware_py.errors import ArtefactError
from firmware_py.policies.candidates import LookPolicy
from firmware_py.schema import to_mapping
from models.settings.config import Config

LOOK_STRIDE = 12
"""Frames from one look to the next where it is compared."""


@dataclass(frozen=True)
class VerifierChoice:
    """The second stage that an artefact shall have."""

    path: Path
    """A .keras file."""
    mode: Mode | None = None
    """None: the first stage's."""
    looks: Mapping[str, float] = field(default_factory=dict)
    """Values of `firmware_py.policies.candidates.LookPolicy`, instead of the configuration's."""

    def describe(self, module: "VerifierModule", policy: LookPolicy, mode: Mode) -> Verifier:
        """Return the metadata; `pack_artefact` adds the digest.

        policy: the configuration's. mode: the first stage's.
        """
        values: Mapping[str, Any] = {
            **to_mapping(policy),
            **self.looks,
            "frames": module.look_frames,
        }
        states = module.state_tensors
        return Verifier(mode=self.mode or mode, sha256="", states=states, **values)


class VerifierModule(tf.Module):
    """One call: the next frames and the states to posteriors, float32 [1, labels], and new states.

    frames: float32 [1, num_frames, num_bins]: those from one look to the next, or, of a network
    that saves little by going on from there, the whole window, and no states.
    """

    def __init__(self, model: keras.Model, spacing_frames: int) -> None:
        """spacing_frames: from one look to the next."""
        super().__init__()
        self.model = model
        _, self.look_frames, num_bins = model.input_shape
        self._incremental = incremental(model, spacing_frames)
        self.num_frames = spacing_frames if self._incremental else self.look_frames
        self.state_tensors = self._incremental.states if self._incremental else ()
        # Constants for variables: a converter does not find those of Keras.
        self._weights = {
            layer.name: [
                [each.numpy() for each in part]
                for part in (layer.trainable_variables, layer.non_trainable_variables)
            ]
            for layer in (model.layers if self._incremental else [model])
        }
        self.tensors = VerifierTensors()
        shapes = {state.input: state.shape for state in self.state_tensors}
        shapes[self.tensors.frames] = (1, self.num_frames, num_bins)
        specs = {name: tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()}
        self.function = tf.function(self._call, autograph=False).get_concrete_function(**specs)

    def posteriors(self, looks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the trained network's posteriors, float32 [looks, labels].

        looks: float32 [looks, look_frames, num_bins].
        Raises ArtefactError when they are no probabilities.
        """
        posteriors: NDArray[np.float32] = self.model.predict(looks, verbose=0)
        if not ((posteriors >= 0.0) & (posteriors <= 1.0)).all():
            raise ArtefactError(
                f"the verifier's outputs are from {posteriors.min():.3g} to {posteriors.max():.3g},"
                " no probabilities; let it end with a sigmoid"
            )
        return posteriors

    def _call(self, **inputs: tf.Tensor) -> Tensors:
        frames, posteriors = inputs[self.tensors.frames], self.tensors.posteriors
        if not self._incremental:
            return {posteriors: self._layer(self.model, frames)}
        said, states = run(self._incremental, self._layer, inputs, frames)
        return {posteriors: said, **states}

    def _layer(self, layer: keras.Layer, values: tf.Tensor) -> tf.Tensor:
        constants = [[tf.constant(each) for each in part] for part in self._weights[layer.name]]
        found, _ = layer.stateless_call(*constants, values)
        return found


@dataclass(frozen=True)
class VerifierTensors:
    """The names that `firmware_py.interpreter.VerifierNetwork` looks for."""

    frames: str = "frames"
    posteriors: str = "posteriors"


def read_verifier(choice: VerifierChoice, config: Config) -> VerifierModule:
    """Return the network that was chosen, to stand behind the one that `config` describes.

    Raises SettingsError or ArtefactError when it is no network of [frames, num_bins] to [labels].
    """
    path = choice.path
    model = load_any(path)
    found = (tuple(model.input_shape), tuple(model.output_shape))
    num_bins, num_labels = config.front_end.num_bins, len(config.labels)
    (*_, frames, bins), (*_, labels) = found
    fits = list(map(len, found)) == [3, 2] and (bins, labels) == (num_bins, num_labels)
    if not fits or frames is None:
        raise ArtefactError(
            f"{path}: it maps {found[0]} to {found[1]}; the verifier of {config.name!r} maps"
            f" (None, frames, {num_bins}) to (None, {num_labels})"
        )
    spacing = int(choice.looks.get("spacing", config.verifier.spacing))
    return VerifierModule(model, spacing * config.network.stride)


def windows(frames: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return what looks along a stream see, float32 [looks, length, num_bins].

    frames: float32 [n, num_bins]; fewer than `length` give no look.
    """
    views = np.lib.stride_tricks.sliding_window_view(frames, length, axis=0)[::LOOK_STRIDE]
    return np.ascontiguousarray(views.transpose(0, 2, 1))
