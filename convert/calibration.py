"""What reaches a step network in use: the inputs of calls along a stream."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.step import StepModule, Tensors
from convert.verifier import VerifierModule
from convert.window import WindowModule

CALIBRATION_CALLS = 400
"""Calls that show a mode the range of each activation."""

Frames = NDArray[np.float32]


def calls(
    step: StepModule | WindowModule | VerifierModule, frames: Frames
) -> Iterator[dict[str, Frames]]:
    """Yield the inputs of calls, by name, spread evenly over a stream of `frames`.

    frames: float32 [n, num_bins]. The states are those that occur: every call is run.
    """
    stride = max(1, len(frames) // step.num_frames // CALIBRATION_CALLS)
    for index, (inputs, _) in enumerate(calls_along(step, frames)):
        if index % stride == 0:
            yield inputs


def posteriors(step: StepModule, frames: Frames) -> Frames:
    """Return what `step` says along a stream, float32 [steps, labels]; frames as in `calls`."""
    parts = [
        outputs[step.tensors.posteriors].numpy()[0] for _, outputs in calls_along(step, frames)
    ]
    return np.concatenate(parts)


def calls_along(
    step: StepModule | WindowModule | VerifierModule, frames: Frames
) -> Iterator[tuple[dict[str, Frames], Tensors]]:
    """Yield the inputs and outputs of every call along a stream; states go from one to the next.

    frames: float32 [n, num_bins]. Each input and output is float32, [as the step's tensors say].
    """
    inputs = {state.input: np.zeros(state.shape, np.float32) for state in step.state_tensors}
    blocks = frames[: len(frames) // step.num_frames * step.num_frames]
    for block in blocks.reshape(-1, 1, step.num_frames, frames.shape[1]):
        inputs[step.tensors.frames] = block
        outputs = step.function(**{name: tf.constant(value) for name, value in inputs.items()})
        yield dict(inputs), outputs
        for state in step.state_tensors:
            inputs[state.input] = outputs[state.output].numpy()
