"""Recordings through the runtime's own detector: posteriors, computed once, in parallel."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from firmware_py.artefact import Artefact, Metadata
from firmware_py.audio import BLOCK_LENGTH
from firmware_py.detector import Detector
from firmware_py.errors import AudioError
from firmware_py.level import apply_gain, clip_gain_db
from models.evaluation.background import active_part, continued_background
from models.evaluation.conditions import (
    AS_RECORDED,
    Condition,
    as_int16,
    mix_noise,
    pick_noise,
    resampled,
    set_level,
)
from models.evaluation.recordings import BadFile, BadFiles, Clip, load

LEAD_IN_SECONDS = 1.0
"""Background before a clip: a live stream never begins with a word."""
TAIL_SECONDS = 1.0
"""Background after a clip, in which a detection still counts."""
CLIPS_PER_JOB = 32

Run = TypeVar("Run")


@dataclass(frozen=True)
class Presented:
    """What the detector hears of a clip, with its own background before and after."""

    samples: NDArray[np.int16]
    sample_rate_hz: int
    clip_seconds: float
    word_start_seconds: float
    """From the beginning of the samples."""
    word_end_seconds: float


@dataclass(frozen=True)
class ClipRun:
    """A clip of the word, heard."""

    clip: Clip
    posteriors: NDArray[np.float32]
    """[steps]"""
    first_step: int
    """The first step that belongs to the clip and not to its lead-in."""
    word_start_seconds: float
    word_end_seconds: float


@dataclass(frozen=True)
class Part:
    """A recording within a stream."""

    clip: Clip
    start_seconds: float
    seconds: float


@dataclass(frozen=True)
class StreamRun:
    """Recordings without the word, one after the other, heard as one stream."""

    parts: tuple[Part, ...]
    posteriors: NDArray[np.float32]
    """[steps]"""

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)


@dataclass(frozen=True)
class Job:
    """Recordings for one worker."""

    artefact: Artefact
    label: int
    clips: tuple[Clip, ...]
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
        posteriors: list[NDArray[np.float32]] = []
        parts: list[Part] = []
        detector = None
        for clip in group:
            try:
                samples, rate_hz = _negative(clip, job.condition)
                samples = detectors.levelled(samples)
            except AudioError as error:
                runs.append(BadFile(clip.path, str(error)))
                continue
            detector = detector or detectors.at(rate_hz)
            start = parts[-1].start_seconds + parts[-1].seconds if parts else 0.0
            parts.append(Part(clip, start, len(samples) / rate_hz))
            posteriors += [detector.posteriors(block) for block in _blocks(samples)]
        if detector:
            posteriors.append(detector.last_posteriors())
            runs.append(StreamRun(tuple(parts), np.concatenate(posteriors)[:, job.label]))
    return runs


def present(
    clip: Clip, condition: Condition = AS_RECORDED, noise: Sequence[Path] = (), seed: int = 1
) -> Presented:
    """Return what the detector hears of a clip; the same arguments give the same samples.

    Raises AudioError for a clip that cannot be read or is digitally silent.
    """
    samples, rate_hz = load(clip.path)
    if not samples.any():
        raise AudioError(f"{clip.path}: the clip is digital silence; record it again or remove it")
    rng = np.random.default_rng((seed, zlib.crc32(clip.path.name.encode())))
    lead_in, tail = (round(seconds * rate_hz) for seconds in (LEAD_IN_SECONDS, TAIL_SECONDS))
    background = continued_background(samples, rate_hz, lead_in + tail, rng)
    whole = np.concatenate((background[:lead_in], samples, background[lead_in:]))
    start, end = (LEAD_IN_SECONDS + seconds for seconds in _word(clip, samples, rate_hz))
    active = slice(round(start * rate_hz), max(round(end * rate_hz), round(start * rate_hz) + 1))
    if condition.snr_db is not None:
        recording = _noise(pick_noise(noise, rng), rate_hz)
        whole = mix_noise(whole, active, recording, condition.snr_db, rng)
    if condition.level_dbfs is not None:
        whole = set_level(whole, whole[active], condition.level_dbfs)
    heard, heard_rate_hz = resampled(as_int16(whole), rate_hz, condition.rate_hz)
    return Presented(heard, heard_rate_hz, len(samples) / rate_hz, start, end)


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


def _run_clip(clip: Clip, heard: Presented, detectors: _Detectors, label: int) -> ClipRun:
    first, last = (
        round(seconds * heard.sample_rate_hz)
        for seconds in (LEAD_IN_SECONDS, LEAD_IN_SECONDS + heard.clip_seconds)
    )
    samples = detectors.levelled(heard.samples, slice(first, last))
    detector = detectors.at(heard.sample_rate_hz)
    posteriors = [detector.posteriors(block) for block in _blocks(samples)]
    column = np.concatenate([*posteriors, detector.last_posteriors()])[:, label]
    ends = step_ends_seconds(detector.artefact.metadata, len(column))
    first_step = int(np.searchsorted(ends, LEAD_IN_SECONDS, side="right"))
    return ClipRun(clip, column, first_step, heard.word_start_seconds, heard.word_end_seconds)


def _negative(clip: Clip, condition: Condition) -> tuple[NDArray[np.int16], int]:
    samples, rate_hz = load(clip.path)
    if condition.level_dbfs is not None and samples.any():
        start, end = (round(s * rate_hz) for s in active_part(samples, rate_hz))
        whole = samples.astype(np.float64)
        samples = as_int16(set_level(whole, whole[start:end], condition.level_dbfs))
    return resampled(samples, rate_hz, condition.rate_hz)


def _word(clip: Clip, samples: NDArray[np.int16], rate_hz: int) -> tuple[float, float]:
    """Return start and end of the word in the clip: as the manifest says, or its energy."""
    start, end = active_part(samples, rate_hz)
    if clip.word_end_seconds is not None:
        end = min(clip.word_end_seconds, len(samples) / rate_hz)
    if clip.word_start_seconds is not None:
        start = clip.word_start_seconds
    return min(start, end), end


@lru_cache(maxsize=16)
def _noise(path: Path, rate_hz: int) -> NDArray[np.float64]:
    samples, own_rate_hz = load(path)
    return resampled(samples, own_rate_hz, rate_hz)[0].astype(np.float64)


def _blocks(samples: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """Yield the samples as the runtime reads a file."""
    for start in range(0, len(samples), BLOCK_LENGTH):
        yield samples[start : start + BLOCK_LENGTH]
