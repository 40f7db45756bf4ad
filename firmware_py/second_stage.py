"""The second stage of a stream: it keeps the last frames and looks at them where it must."""

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Verifier
from firmware_py.candidates import Candidates, Counts
from firmware_py.command_words import is_word
from firmware_py.interpreter import Runtime, VerifierNetwork


class SecondStage:
    """Turns the first stage's posteriors into fused scores, which the policy then judges.

    Frames before the stream's beginning are its first frame again.
    """

    def __init__(
        self,
        artefact: Artefact,
        verifier: Verifier,
        threshold: float,
        runtime: Runtime | None = None,
        num_threads: int = 1,
    ) -> None:
        """threshold: the policy's; only `counts.refused` depends on it."""
        metadata = artefact.metadata
        self.counts = Counts()
        self._network = VerifierNetwork(artefact, verifier, runtime, num_threads)
        self._length = verifier.frames
        self._stride = metadata.network.stride
        self._candidates = {
            index: Candidates(verifier, threshold, self.counts)
            for index, label in enumerate(metadata.labels)
            if is_word(label)
        }
        # A look at the first step of a call sees frames from before the call.
        held = verifier.frames + metadata.network.frames_per_call
        self._frames = np.zeros((held, metadata.front_end.num_bins), np.float32)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream; the counts go on."""
        self._is_empty = True
        for candidates in self._candidates.values():
            candidates.reset()

    def keep(self, frames: NDArray[np.float32]) -> None:
        """Remember the next frames, float32 [any number, num_bins]."""
        frames = frames[-len(self._frames) :]
        if not len(frames):
            return
        if self._is_empty:
            self._frames[:] = frames[0]
            self._is_empty = False
        self._frames[: -len(frames)] = self._frames[len(frames) :]
        self._frames[-len(frames) :] = frames

    def process(
        self, frames: NDArray[np.float32], posteriors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the fused scores of the next steps, float32 [steps, labels].

        frames: float32 [frames_per_call, num_bins], those that came with the steps.
        posteriors: float32 [steps, labels], the first stage's; fewer than a call's at the end.
        """
        self.keep(frames)
        scores = np.zeros_like(posteriors)
        end = len(self._frames) - len(frames)
        for step, values in enumerate(posteriors.tolist()):
            end += self._stride
            waiting = [
                label for label, each in self._candidates.items() if each.advance(values[label])
            ]
            if waiting:
                said = self.look(self._frames[end - self._length : end])
                for label in waiting:
                    self._candidates[label].look(float(said[label]))
            for label, each in self._candidates.items():
                scores[step, label] = each.score
        return scores

    def look(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the verifier's posteriors, float32 [labels], of float32 [frames, num_bins]."""
        self.counts.looks += 1
        return self._network.process(frames)
