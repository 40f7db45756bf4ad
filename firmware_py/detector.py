"""The detector: int16 samples in, detections out."""

from dataclasses import replace
from pathlib import Path
from typing import Self

from firmware_py.artefact import DEFAULT_MODEL, Artefact, Policy, read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.interpreter import Runtime
from firmware_py.level import Samples, apply_gain, as_int16
from firmware_py.streaming.frame_detector import Detection, FrameDetector, Steps, joined
from firmware_py.streaming.frame_source import FrameSource

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

    Samples are int16, or floats from -1 to 1 as sounddevice, librosa and soundfile give them.
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

    def process(self, chunk: Samples) -> list[Detection]:
        """Return the detections that `chunk` completes.

        chunk: int16 or float of full scale 1, [any length], mono, at `sample_rate_hz`. Raises
        AudioError, one line, for anything else.
        """
        return self.decide(self.steps(chunk))

    def flush(self) -> list[Detection]:
        """End the stream, as if silence followed: return the detections that were still to come.

        So a word at the very end is heard. No time lies after the last sample.
        """
        return self.decide(self.last_steps())

    def steps(self, chunk: Samples) -> Steps:
        """Return the steps that `chunk`, int16 [n], completes, before any decision."""
        chunk = as_int16(chunk)
        if self._gain_db:
            chunk = apply_gain(chunk, self._gain_db)
        return self.frames.steps(self.source.process(chunk))

    def last_steps(self) -> Steps:
        """Return the steps that wait for a full call, and those of the silence behind the end."""
        late = self.frames.steps(self.source.flush())
        return joined((late, self.frames.last_steps()))

    @property
    def num_steps(self) -> int:
        """Steps that the samples of the stream make, without the silence of `last_steps`."""
        return self.artefact.metadata.network.num_steps(self.source.num_frames)

    def decide(self, steps: Steps) -> list[Detection]:
        """Return the detections in the next steps, none of them later than the last sample."""
        return [
            replace(each, time_seconds=min(each.time_seconds, self.source.seconds))
            for each in self.frames.decide(steps.scores)
        ]
