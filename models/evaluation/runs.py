"""Recordings through the runtime's own detector: posteriors, computed once, in parallel."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from firmware_py.artefact import Artefact, Metadata
from firmware_py.audio import blocks_of
from firmware_py.detector import Detector
from firmware_py.errors import AudioError
from firmware_py.level import apply_gain, clip_gain_db, to_int16
from firmware_py.streaming.frame_detector import Steps, joined
from models.evaluation.background import active_part
from models.evaluation.conditions import AS_RECORDED, Condition, resampled, set_level
from models.evaluation.presented import LEAD_IN_SECONDS, PresentedClip, present
from models.evaluation.selection import BadFile, BadFiles, EvaluationClip, load_recording

CLIPS_PER_JOB = 32

Run = TypeVar("Run")


@dataclass(frozen=True)
class ClipRun:
    """A clip of the word, heard."""

    clip: EvaluationClip
    posteriors: NDArray[np.float32]
    """The first stage's, [steps]."""
    scores: NDArray[np.float32]
    """What a policy judges, [steps]: the posteriors, or with a second stage the fused scores."""
    first_step: int
    """The first step that can hear the word."""
    word_start_seconds: float
    word_end_seconds: float


@dataclass(frozen=True)
class Part:
    """A recording within a stream."""

    clip: EvaluationClip
    start_seconds: float
    seconds: float


@dataclass(frozen=True)
class StreamRun:
    """Recordings without the word, one after the other, heard as one stream."""

    parts: tuple[Part, ...]
    posteriors: NDArray[np.float32]
    """The first stage's, [steps]."""
    scores: NDArray[np.float32]
    """What a policy judges, [steps]: the posteriors, or with a second stage the fused scores."""
    candidates: int
    """How often the first stage called the second."""
    looks: int
    """How often the second stage ran, for the other labels too."""

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)


@dataclass(frozen=True)
class Job:
    """Recordings for one worker."""

    artefact: Artefact
    label: int
    clips: tuple[EvaluationClip, ...]
    condition: Condition = AS_RECORDED
    noise: tuple[Path, ...] = ()
    seed: int = 1
    joined: bool = True
    """The recordings follow each other in one stream; False: a reset before each."""


def run_clips(job: Job) -> list[ClipRun | BadFile]:
    """Run clips of the word, each from a reset."""
    detectors = _Detectors(job.artefact)
    runs: list[ClipRun | BadFile] = []
    for clip in job.clips:
        try:
            heard = present(clip, job.condition, job.noise, job.seed)
        except AudioError as error:
            runs.append(BadFile(clip.path, str(error)))
            continue
        runs.append(_run_clip(clip, heard, detectors, job.label))
    return runs


def run_streams(job: Job) -> list[StreamRun | BadFile]:
    """Run recordings without the word, as one stream or each by itself."""
    detectors = _Detectors(job.artefact)
    groups = [job.clips] if job.joined else [(clip,) for clip in job.clips]
    runs: list[StreamRun | BadFile] = []
    for group in groups:
        steps: list[Steps] = []
        parts: list[Part] = []
        detector = None
        for clip in group:
            try:
                samples, rate_hz = _negative(clip, job.condition)
                samples = detectors.levelled(samples)
            except AudioError as error:
                runs.append(BadFile(clip.path, str(error)))
                continue
            if not detector:
                detector = detectors.at(rate_hz)
                before = _calls(detector, job.label)
            start = parts[-1].start_seconds + parts[-1].seconds if parts else 0.0
            parts.append(Part(clip, start, len(samples) / rate_hz))
            steps += [detector.steps(block) for block in blocks_of(samples)]
        if detector:
            said = joined((*steps, detector.last_steps()))
            after = _calls(detector, job.label)
            runs.append(
                StreamRun(
                    tuple(parts),
                    said.posteriors[:, job.label],
                    said.scores[:, job.label],
                    *(now - then for now, then in zip(after, before, strict=True)),
                )
            )
    return runs


def step_ends_seconds(metadata: Metadata, num_steps: int) -> NDArray[np.float64]:
    """Return when all audio of each step has been heard, float64 [num_steps]."""
    return np.array([metadata.step_end_seconds(step) for step in range(num_steps)])


def decided_seconds(metadata: Metadata, step: int) -> float:
    """Return when the runtime has the posterior of a step: at the end of its whole call."""
    steps_per_call = metadata.network.steps_per_call
    return metadata.step_end_seconds((step // steps_per_call + 1) * steps_per_call - 1)


def run_jobs(
    function: Callable[[Job], list[Run | BadFile]],
    jobs: Sequence[Job],
    executor: Executor | None,
    bad: BadFiles,
    title: str,
) -> list[Run]:
    """Return the results of all jobs in their order, with a progress bar; name the bad files."""
    results = executor.map(function, jobs) if executor else map(function, jobs)
    runs: list[Run] = []
    for result in tqdm(results, desc=title, total=len(jobs), unit="job", disable=None):
        for run in result:
            if isinstance(run, BadFile):
                bad.add(run)
            else:
                runs.append(run)
    return runs


class _Detectors:
    """One detector for each sample rate, each reset when it is asked for."""

    def __init__(self, artefact: Artefact) -> None:
        self._artefact = artefact
        self._level = artefact.metadata.front_end.clip_level
        self._detectors: dict[int, Detector] = {}

    def at(self, rate_hz: int) -> Detector:
        if rate_hz not in self._detectors:
            # A clip's gain is put in by `levelled`, since it changes from clip to clip.
            gain_db = 0.0 if self._level else None
            self._detectors[rate_hz] = Detector(
                self._artefact, sample_rate_hz=rate_hz, gain_db=gain_db
            )
        self._detectors[rate_hz].reset()
        return self._detectors[rate_hz]

    def levelled(self, samples: NDArray[np.int16], clip: slice = slice(None)) -> NDArray[np.int16]:
        """Return the samples at the level that a clip-level model wants, measured over `clip`."""
        if self._level is None:
            return samples
        mean_square = float(np.mean(np.square(samples[clip], dtype=np.float64)))
        return apply_gain(samples, clip_gain_db(self._level, mean_square))


def _run_clip(
    clip: EvaluationClip, heard: PresentedClip, detectors: _Detectors, label: int
) -> ClipRun:
    first, last = (
        round(seconds * heard.sample_rate_hz)
        for seconds in (LEAD_IN_SECONDS, LEAD_IN_SECONDS + heard.clip_seconds)
    )
    samples = detectors.levelled(heard.samples, slice(first, last))
    detector = detectors.at(heard.sample_rate_hz)
    steps = [detector.steps(block) for block in blocks_of(samples)]
    said = joined((*steps, detector.last_steps()))
    ends = step_ends_seconds(detector.artefact.metadata, len(said.scores))
    # What fires in the sentence before a word whose place is known has not found the word.
    begin = LEAD_IN_SECONDS if clip.word_start_seconds is None else heard.word_start_seconds
    first_step = int(np.searchsorted(ends, begin, side="right"))
    return ClipRun(
        clip,
        said.posteriors[:, label],
        said.scores[:, label],
        first_step,
        heard.word_start_seconds,
        heard.word_end_seconds,
    )


def _calls(detector: Detector, label: int) -> tuple[int, int]:
    """Return how often the first stage called the second so far, and how often that ran."""
    second = detector.frames.second
    if not second:
        return 0, 0
    return second.counts[detector.artefact.metadata.labels[label]].candidates, second.looks


def _negative(clip: EvaluationClip, condition: Condition) -> tuple[NDArray[np.int16], int]:
    samples, rate_hz = load_recording(clip.path)
    if condition.level_dbfs is not None:
        start, end = (round(s * rate_hz) for s in active_part(samples, rate_hz))
        whole = samples.astype(np.float64)
        samples = to_int16(set_level(whole, whole[start:end], condition.level_dbfs))
    return resampled(samples, rate_hz, condition.rate_hz)
