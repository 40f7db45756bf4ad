"""Several models on one stream of samples, the spectrogram computed once per front end.

Front ends that differ in nothing but the normalisation of their bins share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Policy
from firmware_py.detector import refuse_clip_level
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.interpreter import Runtime
from firmware_py.streaming.frame_detector import Detection, FrameDetector
from firmware_py.streaming.frame_source import FrameSource
from firmware_py.streaming.second_stage import SecondStage


@dataclass(frozen=True)
class Model:
    """A model and the policy that it runs with."""

    artefact: Artefact
    policy: Policy

    @property
    def name(self) -> str:
        return self.artefact.metadata.name

    @property
    def refractory_seconds(self) -> float:
        return self.policy.refractory_seconds(self.artefact.metadata.step_seconds)


@dataclass(frozen=True)
class Hit:
    """A detection and the model that made it."""

    model: Model
    detection: Detection


class _Group:
    """One front end and the models that read its frames."""

    def __init__(
        self,
        front_end: FrontEnd,
        models: Sequence[Model],
        sample_rate_hz: int,
        runtime: Runtime | None,
    ) -> None:
        self._source = FrameSource(front_end, sample_rate_hz)
        self._members = [
            (model, FrameDetector(model.artefact, model.policy, runtime)) for model in models
        ]
        self.features = np.zeros((0, front_end.num_bins), np.float32)

    def reset(self) -> None:
        self._source.reset()
        for _, detector in self._members:
            detector.reset()

    def close(self) -> None:
        for _, detector in self._members:
            detector.close()

    def scores(self) -> list[tuple[Model, dict[str, float]]]:
        return [(model, detector.scores()) for model, detector in self._members]

    @property
    def second_stages(self) -> list[SecondStage]:
        return [detector.second for _, detector in self._members if detector.second]

    def take_peaks(self) -> list[tuple[Model, dict[str, float]]]:
        return [(model, detector.take_peaks()) for model, detector in self._members]

    def process(self, chunk: NDArray[np.int16]) -> list[Hit]:
        features = self.features = self._source.features(chunk)
        hits = []
        for model, detector in self._members:
            found = detector.process(model.artefact.metadata.front_end.normalise(features))
            hits += [Hit(model, detection) for detection in found]
        return hits

    @property
    def samples_needed(self) -> int:
        """Samples of the stream until a network can run; with a resampler, about so many."""
        return self._source.samples_needed(min(each.frames_needed for _, each in self._members))


class Ensemble:
    """Runs models side by side. Each decides as its own `Detector` would."""

    def __init__(
        self, models: Sequence[Model], sample_rate_hz: int, runtime: Runtime | None = None
    ) -> None:
        """
        models: at least one; none may want the level of the whole clip (ArtefactError).
        sample_rate_hz: of the chunks; they are resampled for models with another rate.
        """
        if not models:
            raise SettingsError("no model to listen with; name one under [[model]]")
        for model in models:
            refuse_clip_level(model.artefact)
        self.models = tuple(models)
        self.sample_rate_hz = sample_rate_hz
        members: dict[FrontEnd, list[Model]] = {}
        for model in models:
            shared = replace(model.artefact.metadata.front_end, mean=(), deviation=())
            members.setdefault(shared, []).append(model)
        self._groups = [
            _Group(front_end, group, sample_rate_hz, runtime)
            for front_end, group in members.items()
        ]

    def process(self, chunk: NDArray[np.int16]) -> list[Hit]:
        """Return the detections that `chunk` completes, in order of their time.

        chunk: int16 [any length], mono, at `sample_rate_hz`.
        """
        hits = [hit for group in self._groups for hit in group.process(chunk)]
        return sorted(hits, key=lambda hit: hit.detection.time_seconds)

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        for group in self._groups:
            group.reset()

    def close(self) -> None:
        """Free the interpreters; the ensemble cannot be used any more."""
        for group in self._groups:
            group.close()

    @property
    def features(self) -> NDArray[np.float32]:
        """What the first front end made of the last chunk, float32 [frames, num_bins]."""
        return self._groups[0].features

    def scores(self) -> list[tuple[Model, dict[str, float]]]:
        """Return each model with the score of each of its words after the last chunk."""
        return [scores for group in self._groups for scores in group.scores()]

    def take_peaks(self) -> list[tuple[Model, dict[str, float]]]:
        """Return each model with the highest score of each word since this was last asked."""
        return [peaks for group in self._groups for peaks in group.take_peaks()]

    @property
    def second_stages(self) -> list[SecondStage]:
        """The second stages of the models that have one."""
        return [second for group in self._groups for second in group.second_stages]

    @property
    def samples_needed(self) -> int:
        """Samples until a network can run: shorter chunks cost more and tell nothing sooner."""
        return min(group.samples_needed for group in self._groups)


def listening_rate_hz(models: Sequence[Model]) -> int:
    """Return the sample rate at which one microphone serves all the models best."""
    return max(model.artefact.metadata.front_end.sample_rate_hz for model in models)
