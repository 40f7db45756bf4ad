"""What follows the front end: frames in, steps and detections out."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Policy
from firmware_py.interpreter import NetworkStream, Runtime
from firmware_py.streaming.second_stage import SecondStage


@dataclass(frozen=True)
class Detection:
    """A word was heard."""

    label: str
    time_seconds: float
    """Audio time since the stream began at which the detection was certain."""
    score: float
    """What crossed the threshold: the smoothed posterior, or the second stage's fused score."""


@dataclass(frozen=True)
class Steps:
    """What the networks say to some steps, float32 [steps, labels] each."""

    posteriors: NDArray[np.float32]
    """The first stage's."""
    scores: NDArray[np.float32]
    """What the policy judges: the posteriors, or with a second stage the fused scores."""

    def first(self, count: int) -> "Steps":
        """Return the first `count` of them."""
        return Steps(self.posteriors[:count], self.scores[:count])


def joined(parts: Iterable[Steps]) -> Steps:
    """Return steps that follow each other as one; at least one part."""
    posteriors, scores = zip(*((part.posteriors, part.scores) for part in parts), strict=True)
    return Steps(np.concatenate(posteriors), np.concatenate(scores))


class FrameDetector:
    """Streams the frames of one front end through the networks of an artefact and its triggers.

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
        self.second: SecondStage | None = None
        verifier = artefact.metadata.verifier
        if verifier:
            threshold = policy.threshold
            self.second = SecondStage(artefact, verifier, threshold, runtime, num_threads)
        self._length = artefact.metadata.network.frames_per_call
        self._decider = policy.decider(artefact.metadata.labels, artefact.metadata.step_seconds)
        self.reset()

    def close(self) -> None:
        """Free the interpreters; the detector cannot be used any more."""
        del self._network
        self.second = None

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        self._network.reset()
        if self.second:
            self.second.reset()
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

    def process(self, frames: NDArray[np.float32]) -> list[Detection]:
        """Return the detections that `frames`, float32 [any number, num_bins], complete."""
        return self.decide(self.steps(frames).scores)

    def steps(self, frames: NDArray[np.float32]) -> Steps:
        """Return the steps of all whole calls of the network; keep the rest.

        frames: float32 [any number, num_bins].
        """
        length = self._length
        if self._primed and len(frames) == length and not len(self._frames):
            return self._call(frames)
        self._frames = np.concatenate((self._frames, frames)) if len(self._frames) else frames
        if not self._primed and not self._prime():
            return self._no_steps()
        end = len(self._frames) // length * length
        if not end:
            return self._no_steps()
        blocks, self._frames = self._frames[:end], self._frames[end:]
        return joined(self._call(blocks[at : at + length]) for at in range(0, end, length))

    def last_steps(self) -> Steps:
        """Return the steps that wait for a full call; the stream ends here."""
        stride = self.artefact.metadata.network.stride
        waiting = len(self._frames) // stride if self._primed else 0
        if not waiting:
            return self._no_steps()
        padded = np.pad(self._frames, ((0, self._length - len(self._frames)), (0, 0)))
        self._frames = self._frames[:0]
        return self._call(padded, waiting)

    def decide(self, scores: NDArray[np.float32]) -> list[Detection]:
        """Return the detections in the next steps; scores: float32 [steps, labels]."""
        metadata = self.artefact.metadata
        found = [
            Detection(metadata.labels[label], metadata.step_end_seconds(self._steps + index), score)
            for index, label, score in self._decider.process(scores.tolist())
        ]
        self._steps += len(scores)
        return sorted(found, key=lambda detection: detection.time_seconds)

    def scores(self) -> dict[str, float]:
        """Return the score of each word after the last step that was decided on."""
        labels = self.artefact.metadata.labels
        return {labels[index]: score for index, score in self._decider.scores().items()}

    def take_peaks(self) -> dict[str, float]:
        """Return the highest score of each word since this was last asked."""
        labels = self.artefact.metadata.labels
        return {labels[index]: peak for index, peak in self._decider.take_peaks().items()}

    def _prime(self) -> bool:
        """Give the network the frames before its first step; tell whether there are enough."""
        count = self.artefact.metadata.network.history_frames
        if len(self._frames) < count:
            return False
        self._network.reset(self._frames[:count])
        if self.second:
            self.second.keep(self._frames[:count])
        self._frames = self._frames[count:]
        self._primed = True
        return True

    def _call(self, frames: NDArray[np.float32], num_steps: int | None = None) -> Steps:
        """Run the networks on one call's frames; num_steps: the first ones that are real."""
        posteriors = self._network.process(frames)[:num_steps]
        if not self.second:
            return Steps(posteriors, posteriors)
        return Steps(posteriors, self.second.process(frames, posteriors))

    def _no_steps(self) -> Steps:
        nothing = np.zeros((0, len(self.artefact.metadata.labels)), np.float32)
        return Steps(nothing, nothing)
