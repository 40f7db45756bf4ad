"""The modes: how a step network becomes a flatbuffer."""

import warnings
from collections.abc import Callable, Mapping

import tensorflow as tf

from convert.calibration import Frames, calls
from convert.flatbuffer import name_tensors_by_signature
from convert.parity import MAXIMUM_DIFFERENCE
from convert.step import StepModule
from convert.verifier import VerifierModule
from convert.weight_int8.costly_layers import fitted_weights
from convert.weight_int8.quantised_file import with_int8_weights
from convert.window import WindowModule
from firmware_py.artefact import Mode

CALIBRATED_SHARE = 0.3
"""Of the limit of `weight-int8`: how much of it the audio that it is fitted to may use up."""


def convert_step(
    step: StepModule | WindowModule | VerifierModule, mode: Mode, calibration: Callable[[], Frames]
) -> bytes:
    """Return the flatbuffer of `step`; its inputs and outputs are float32 in every mode.

    calibration: gives frames, float32 [n, num_bins]; called by the modes that need them.
    """
    if mode == "weight-int8" and isinstance(step, StepModule):
        limit = CALIBRATED_SHARE * MAXIMUM_DIFFERENCE[mode]
        step = StepModule(fitted_weights(step, calibration(), limit), step.num_steps)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([step.function], step)
    if mode not in ("float32", "weight-int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # One scale for each output of a dense layer makes FULLY_CONNECTED version 12, which
        # tflite-runtime 2.14 does not know.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if mode in _INTEGER_OPERATORS:
        converter.target_spec.supported_ops = [_INTEGER_OPERATORS[mode]]
        converter.representative_dataset = lambda: calls(step, calibration())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        content = name_tensors_by_signature(converter.convert())
    return with_int8_weights(content) if mode == "weight-int8" else content


_INTEGER_OPERATORS: Mapping[Mode, tf.lite.OpsSet] = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}
