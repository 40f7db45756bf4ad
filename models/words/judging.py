"""Clips of one word through the shipped runtime: the answer, and how often it is right."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact
from firmware_py.detector import Detector
from firmware_py.interpreter import Runtime
from firmware_py.streaming.frame_detector import joined
from models.words.confusion import Confusion
from models.words.presented import PresentedWord, clip_scores, surrounded


class ClipJudge:
    """Answers clips of one second as the device would hear them."""

    def __init__(self, artefact: Artefact, runtime: Runtime | None = None) -> None:
        self.artefact = artefact
        self._detector = Detector(artefact, runtime=runtime)
        metadata = artefact.metadata
        self._average_steps = metadata.trigger.average_steps(metadata.step_seconds)
        if metadata.verifier:  # whose policy is of the fused score
            self._average_steps = metadata.verifier.smoothing

    def scores(self, samples: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return one score a label, float64 [labels]; samples: one second, int16 [sample_rate_hz].

        A window network whose window is the clip answers once; a streaming network hears the
        clip between digital silence.
        """
        metadata = self.artefact.metadata
        if not self.is_window:
            samples = surrounded(samples, metadata.front_end.sample_rate_hz)
        self._detector.reset()
        steps = joined((self._detector.steps(samples), self._detector.last_steps()))
        posteriors = steps.posteriors[: self._detector.num_steps]
        return clip_scores(posteriors, metadata.labels, self._average_steps)

    @property
    def is_window(self) -> bool:
        """True for a network without recurrent states, which sees a window alone."""
        return not self.artefact.metadata.network.tensors.states

    def judge(self, clips: Sequence[PresentedWord]) -> Confusion:
        """Return what is answered to each clip."""
        answers = [int(self.scores(clip.samples).argmax()) for clip in clips]
        labels = self.artefact.metadata.labels
        return Confusion.of(labels, [clip.label for clip in clips], answers)
