"""What follows the front end: frames in, posteriors and detections out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Metadata, Policy
from firmware_py.command_words import CommandPolicy, CommandTrigger, is_word
from firmware_py.interpreter import NetworkStream, Runtime
from firmware_py.trigger import Trigger, TriggerPolicy


@dataclass(frozen=True)
class Detection:
    """A word was heard."""

    label: str
    time_seconds: float
    """Audio time since the stream began at which the detection was certain."""
    score: float
    """The smoothed posterior that crossed the threshold."""


class FrameDetector:
    """Streams the frames of one front end through a network and its triggers.

    Several of them may read the frames of one front end.
    """

    def __init__(
        self,
        artefact: Artefact,
        policy: Policy,
        runtime: Runtime | None = None,
        num_threads: int = 1,
    ) -> None:
        self.artefact = artefact
        self._network = NetworkStream(artefact, runtime, num_threads)
        self._length = artefact.metadata.network.frames_per_call
        self._decider = _decider(policy, artefact.metadata)
        self.reset()

    def close(self) -> None:
        """Free the interpreter; the detector cannot be used any more."""
        del self._network

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        self._network.reset()
        self._decider.reset()
        self._frames = np.zeros((0, self.artefact.metadata.front_end.num_bins), np.float32)
        self._primed = False
        self._steps = 0

    @property
    def frames_needed(self) -> int:
        """Frames until the next call of the network."""
        network = self.artefact.metadata.network
        first = 0 if self._primed else network.history_frames
        return first + network.frames_per_call - len(self._frames)

    def posteriors(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the posteriors of all whole calls, float32 [steps, labels]; keep the rest.

        frames: float32 [any number, num_bins].
        """
        length = self._length
        if self._primed and len(frames) == length and not len(self._frames):
            return self._network.process(frames)
        network = self.artefact.metadata.network
        self._frames = np.concatenate((self._frames, frames)) if len(self._frames) else frames
        if not self._primed:
            if len(self._frames) < network.history_frames:
                return self._no_steps()
            self._network.reset(self._frames[: network.history_frames])
            self._frames = self._frames[network.history_frames :]
            self._primed = True
        end = len(self._frames) // length * length
        if not end:
            return self._no_steps()
        blocks, self._frames = self._frames[:end], self._frames[end:]
        results = [
            self._network.process(blocks[start : start + length]) for start in range(0, end, length)
        ]
        return results[0] if len(results) == 1 else np.concatenate(results)

    def last_posteriors(self) -> NDArray[np.float32]:
        """Return the posteriors of steps that wait for a full call, float32 [steps, labels]."""
        network = self.artefact.metadata.network
        waiting = len(self._frames) // network.stride if self._primed else 0
        if not waiting:
            return self._no_steps()
        missing = network.frames_per_call - len(self._frames)
        padded = np.pad(self._frames, ((0, missing), (0, 0)))
        self._frames = self._frames[:0]
        return self._network.process(padded)[:waiting]

    def decide(self, posteriors: NDArray[np.float32]) -> list[Detection]:
        """Return the detections in the next steps; posteriors: float32 [steps, labels]."""
        metadata = self.artefact.metadata
        found = [
            Detection(metadata.labels[label], metadata.step_end_seconds(self._steps + index), score)
            for index, label, score in self._decider.process(posteriors.tolist())
        ]
        self._steps += len(posteriors)
        return sorted(found, key=lambda detection: detection.time_seconds)

    def _no_steps(self) -> NDArray[np.float32]:
        return np.zeros((0, len(self.artefact.metadata.labels)), np.float32)


class _Triggers:
    """One trigger for each label that can be detected."""

    def __init__(self, policy: TriggerPolicy, labels: Sequence[str]) -> None:
        self._triggers = {
            index: Trigger(policy) for index, label in enumerate(labels) if is_word(label)
        }

    def reset(self) -> None:
        for trigger in self._triggers.values():
            trigger.reset()

    def process(self, posteriors: Sequence[Sequence[float]]) -> list[tuple[int, int, float]]:
        """Return (index into `posteriors`, label's index, score) of each trigger."""
        return [
            (step, label, score)
            for label, trigger in self._triggers.items()
            for step, score in trigger.process([each[label] for each in posteriors])
        ]


def _decider(policy: Policy, metadata: Metadata) -> CommandTrigger | _Triggers:
    if isinstance(policy, CommandPolicy):
        return CommandTrigger(policy, metadata.labels, metadata.step_seconds)
    return _Triggers(policy, metadata.labels)
