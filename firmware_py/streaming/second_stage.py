"""The second stage of a stream: it keeps the last frames and looks at them where it must."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Verifier
from firmware_py.interpreter import Runtime, States, VerifierNetwork
from firmware_py.labels import is_word
from firmware_py.policies.candidates import Candidates, Counts


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
        """threshold: the policy's; nothing but the count of the refused depends on it."""
        metadata = artefact.metadata
        self.looks = 0
        """Runs of the verifier from the beginning; a reset changes nothing."""
        self.network = VerifierNetwork(artefact, verifier, runtime, num_threads)
        self._labels = metadata.labels
        self._length = verifier.frames
        self._spacing = verifier.spacing
        self._stride = metadata.network.stride
        self._candidates = {
            index: Candidates(verifier, threshold)
            for index, label in enumerate(metadata.labels)
            if is_word(label)
        }
        # A look at the first step of a call sees as many frames from before it.
        blocks = 2 + verifier.frames // metadata.network.frames_per_call
        self._blocks: deque[NDArray[np.float32]] = deque(maxlen=blocks)
        self._step = 0
        self._states: dict[int, States] = {}
        """What the last looks left, by their step."""

    @property
    def counts(self) -> dict[str, Counts]:
        """What has become of the candidates of each word."""
        return {self._labels[label]: each.counts for label, each in self._candidates.items()}

    def reset(self) -> None:
        """Begin a new stream."""
        self._blocks.clear()
        self._step = 0
        self._states.clear()
        for candidates in self._candidates.values():
            candidates.reset()

    def keep(self, frames: NDArray[np.float32]) -> None:
        """Remember the next frames, float32 [frames_per_call, num_bins], or those before all."""
        self._blocks.append(frames)

    def process(
        self, frames: NDArray[np.float32], posteriors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the fused scores of the next steps, float32 [steps, labels].

        frames: float32 [frames_per_call, num_bins], those that came with the steps.
        posteriors: float32 [steps, labels], the first stage's; fewer than a call's at the end.
        """
        self.keep(frames)
        scores = np.zeros_like(posteriors)
        for step, values in enumerate(posteriors.tolist()):
            waiting = [
                label for label, each in self._candidates.items() if each.advance(values[label])
            ]
            if waiting:
                said = self._look(len(frames) - (step + 1) * self._stride)
                for label in waiting:
                    self._candidates[label].look(float(said[label]))
            self._step += 1
            for label, each in self._candidates.items():
                if each.score:
                    scores[step, label] = each.score
        return scores

    def _look(self, num_after: int) -> NDArray[np.float32]:
        """Return the verifier's posteriors, float32 [labels]; num_after: frames kept since.

        What the look `spacing` steps ago left, if there was one, spares most of the work.
        """
        self.looks += 1
        latest = self._step - self._spacing
        states = self._states.get(latest)
        length = self.network.frames_per_call if states else self._length
        said, states = self.network.process(self._before(num_after, length), states)
        kept = {step: each for step, each in self._states.items() if step > latest}
        self._states = {**kept, self._step: states}
        return said

    def _before(self, num_after: int, length: int) -> NDArray[np.float32]:
        """Return `length` frames, float32 [length, num_bins]; num_after: frames kept since."""
        kept = np.concatenate(self._blocks)
        kept = kept[: len(kept) - num_after][-length:]
        missing = length - len(kept)
        return np.concatenate((np.repeat(kept[:1], missing, axis=0), kept)) if missing else kept
