"""The modes: how a step network becomes a flatbuffer."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.flatbuffer import name_tensors_by_signature
from convert.step import StepModule
from firmware_py.artefact import Mode

Sample = Mapping[str, NDArray[np.float32]]
"""The inputs of one call by name."""


def convert_step(step: StepModule, mode: Mode) -> bytes:
    """Return the flatbuffer of `step`; its inputs and outputs are float32 in every mode."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([step.function], step)
    return name_tensors_by_signature(converter.convert())
