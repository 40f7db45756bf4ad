"""What reaches a step network in use: the inputs of calls along a stream."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.step import StepModule
from convert.verifier import VerifierModule
from convert.window import WindowModule

CALIBRATION_CALLS = 400
"""Calls that show a mode the range of each activation."""

Frames = NDArray[np.float32]


def calls(
    step: StepModule | WindowModule | VerifierModule, frames: Frames
) -> Iterator[dict[str, Frames]]:
    """Yield the inputs of calls, by name, spread evenly over a stream of `frames`.

    The states are those that occur: every call is run, and its states go into the next.
    """
    inputs = {state.input: np.zeros(state.shape, np.float32) for state in step.state_tensors}
    blocks = frames[: len(frames) // step.num_frames * step.num_frames]
    blocks = blocks.reshape(-1, 1, step.num_frames, frames.shape[1])
    stride = max(1, len(blocks) // CALIBRATION_CALLS)
    for index, block in enumerate(blocks):
        inputs[step.tensors.frames] = block
        if index % stride == 0:
            yield dict(inputs)
        outputs = step.function(**{name: tf.constant(value) for name, value in inputs.items()})
        for state in step.state_tensors:
            inputs[state.input] = outputs[state.output].numpy()
