"""The detector: int16 samples in, detections out."""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import DEFAULT_MODEL, Artefact, Policy, read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.frame_detector import Detection, FrameDetector, Steps, joined
from firmware_py.frame_source import FrameSource
from firmware_py.interpreter import Runtime
from firmware_py.level import apply_gain

__all__ = ["Detection", "Detector", "refuse_clip_level"]


def refuse_clip_level(artefact: Artefact) -> None:
    """Raise ArtefactError for a model that a live stream cannot feed."""
    if artefact.metadata.front_end.clip_level:
        raise ArtefactError(
            f"{artefact.path}: {artefact.metadata.name} needs the level of the whole clip, which a"
            " live stream does not have; run it on files, or choose a model with causal level"
        )


class Detector:
    """Streams samples through front end, network and trigger.

    Results do not depend on how the samples are cut into chunks. Times count samples, so a
    replay gives the same detections.
    """

    def __init__(
        self,
        artefact: Artefact,
        *,
        sample_rate_hz: int | None = None,
        policy: Policy | None = None,
        gain_db: float | None = None,
        runtime: Runtime | None = None,
        num_threads: int = 1,
    ) -> None:
        """
        artefact: the model, from `read_artefact`.
        sample_rate_hz: of the chunks; they are resampled when the model has another rate.
        policy: instead of the artefact's own.
        gain_db: applied to the samples; required by a model that wants the level of the whole
            clip, and then the gain that brings the clip there.
        """
        metadata = artefact.metadata
        if gain_db is None:
            refuse_clip_level(artefact)
        self.artefact = artefact
        self.policy = policy or metadata.trigger
        if sample_rate_hz is None:
            sample_rate_hz = metadata.front_end.sample_rate_hz
        self.sample_rate_hz = sample_rate_hz
        self._gain_db = gain_db
        self.source = FrameSource(metadata.front_end, sample_rate_hz)
        self.frames = FrameDetector(artefact, self.policy, runtime, num_threads)

    @classmethod
    def open(
        cls,
        model: Path | str | None = None,
        *,
        sample_rate_hz: int | None = None,
        threshold: float | None = None,
        runtime: Runtime | None = None,
    ) -> Self:
        """Open the artefact at `model`, or the default one; `threshold` replaces its own."""
        artefact = read_artefact(model or DEFAULT_MODEL)
        policy = artefact.metadata.trigger
        if threshold is not None:
            policy = replace(policy, threshold=threshold)
        return cls(artefact, sample_rate_hz=sample_rate_hz, policy=policy, runtime=runtime)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the interpreters; the detector cannot be used any more."""
        self.frames.close()

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        self.source.reset()
        self.frames.reset()

    def process(self, chunk: NDArray[np.int16]) -> list[Detection]:
        """Return the detections that `chunk` completes.

        chunk: int16 [any length], mono, at `sample_rate_hz`.
        """
        return self.decide(self.steps(chunk))

    def flush(self) -> list[Detection]:
        """End the stream: return the detections of the steps that were still waiting."""
        return self.decide(self.last_steps())

    def steps(self, chunk: NDArray[np.int16]) -> Steps:
        """Return the steps that `chunk` completes, before any decision."""
        if self._gain_db:
            chunk = apply_gain(chunk, self._gain_db)
        return self.frames.steps(self.source.process(chunk))

    def last_steps(self) -> Steps:
        """Return the steps that wait for a full call; the stream ends here."""
        late = self.frames.steps(self.source.flush())
        return joined((late, self.frames.last_steps()))

    def decide(self, steps: Steps) -> list[Detection]:
        """Return the detections in the next steps."""
        return self.frames.decide(steps.scores)
