"""Everything that the network says to a set of recordings, before any threshold."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from firmware_py.artefact import Artefact, Policy
from firmware_py.audio import open_recording
from firmware_py.errors import AudioError, SettingsError
from firmware_py.policies.trigger import TriggerPolicy
from models.evaluation.conditions import AS_RECORDED, Condition, all_conditions
from models.evaluation.runs import (
    CLIPS_PER_JOB,
    ClipRun,
    Job,
    StreamRun,
    run_clips,
    run_jobs,
    run_streams,
)
from models.evaluation.selection import (
    BadFile,
    BadFiles,
    EvaluationClip,
    OnBad,
    Selection,
    find_clips,
)

STREAM_SECONDS = 300.0
"""Recordings without the word are joined to streams of about this length."""


@dataclass(frozen=True)
class Setting:
    """How recordings are tried."""

    selection: Selection = field(default_factory=Selection)
    noise: tuple[Path, ...] = ()
    """Folders of noise recordings."""
    snrs_db: tuple[float, ...] = ()
    levels_dbfs: tuple[float, ...] = ()
    rates_hz: tuple[int, ...] = ()
    after_silence: bool = False
    """Try the words between digital silence too."""
    joined: bool = True
    """Recordings without the word follow each other without a reset, as sounds do in a room.
    False: a reset before each; then a word at the very end of a short one cannot be heard."""
    label: str | None = None
    """The label that is tried; None: the model's only one."""
    on_bad: OnBad = "skip"

    def __post_init__(self) -> None:
        if bool(self.noise) != bool(self.snrs_db):
            raise SettingsError("--noise and --snr-db belong together: give both or neither")
        for option, values in (("--snr-db", self.snrs_db), ("--level-dbfs", self.levels_dbfs)):
            if not np.isfinite(values).all():
                raise SettingsError(f"{option} is {values}; it must be finite numbers")
        if any(rate <= 0 for rate in self.rates_hz):
            raise SettingsError(f"--rate-hz is {self.rates_hz}; it must be above 0")


@dataclass(frozen=True)
class CollectedPosteriors:
    """Posteriors of all recordings in all conditions."""

    artefact: Artefact
    label: str
    setting: Setting
    noise: tuple[Path, ...]
    clips: Mapping[Condition, Sequence[ClipRun]]
    """Recordings of the word."""
    streams: Mapping[Condition, Sequence[StreamRun]]
    """Recordings without it, for the conditions that change them."""
    skipped: tuple[BadFile, ...]

    def streams_in(self, condition: Condition) -> Sequence[StreamRun]:
        """Return the recordings without the word under a condition."""
        return self.streams.get(condition, self.streams[AS_RECORDED])

    def hours_in(self, condition: Condition) -> float:
        """Return how long the recordings without the word are under a condition."""
        return sum(run.seconds for run in self.streams_in(condition)) / 3600.0


def collect(
    artefact: Artefact,
    positives: Sequence[Path],
    negatives: Sequence[Path],
    setting: Setting | None = None,
    executor: Executor | None = None,
) -> CollectedPosteriors:
    """Run all recordings through the runtime's detector.

    positives: folders of clips that hold the word, or none; negatives: folders of recordings that
    do not. `executor`: any `concurrent.futures` executor; None runs here.
    Raises SettingsError for an empty folder and, where the setting refuses them, AudioError
    for a bad file.
    """
    setting = setting or Setting()
    label = label_of(artefact, setting.label)
    bad = BadFiles(setting.on_bad)
    words = find_clips(positives, setting.selection, "positives") if positives else []
    others = find_clips(negatives, replace(setting.selection, include=()), "negatives")
    noise = _noise_files(setting)
    index = artefact.metadata.labels.index(label)
    job = Job(artefact, index, (), AS_RECORDED, noise, setting.selection.seed, setting.joined)
    word_batches = [
        tuple(words[first : first + CLIPS_PER_JOB]) for first in range(0, len(words), CLIPS_PER_JOB)
    ]
    other_batches = stream_batches(others, setting.selection.seed, bad)
    clips: dict[Condition, list[ClipRun]] = {}
    streams: dict[Condition, list[StreamRun]] = {}
    for condition in all_conditions(
        setting.snrs_db, setting.levels_dbfs, setting.rates_hz, setting.after_silence
    ):
        jobs = [replace(job, clips=batch, condition=condition) for batch in word_batches]
        title = f"positives, {condition.name}"
        clips[condition] = run_jobs(run_clips, jobs, executor, bad, title)
        if condition == AS_RECORDED or condition.changes_negatives:
            jobs = [replace(job, clips=batch, condition=condition) for batch in other_batches]
            title = f"negatives, {condition.name}"
            streams[condition] = run_jobs(run_streams, jobs, executor, bad, title)
    if (words and not clips[AS_RECORDED]) or not streams[AS_RECORDED]:
        raise SettingsError(f"all {len(bad.files)} recordings tried are bad; see the log")
    return CollectedPosteriors(artefact, label, setting, noise, clips, streams, tuple(bad.files))


def trigger_policy(artefact: Artefact, policy: Policy | None = None) -> TriggerPolicy:
    """Return `policy`, or the model's own; raises SettingsError for a model of command words."""
    policy = policy or artefact.metadata.trigger
    if not isinstance(policy, TriggerPolicy):
        raise SettingsError(
            f"{artefact.path}: {artefact.metadata.name} answers with one of several words; judge it"
            " with: python -m models words"
        )
    return policy


def label_of(artefact: Artefact, label: str | None) -> str:
    labels = artefact.metadata.labels
    if label in labels or (label is None and len(labels) == 1):
        return label or labels[0]
    named = f"no label {label!r}" if label else "several labels"
    raise SettingsError(f"{artefact.path} has {named}; name one with --label: {', '.join(labels)}")


def _noise_files(setting: Setting) -> tuple[Path, ...]:
    if not setting.noise:
        return ()
    return tuple(clip.path for clip in find_clips(setting.noise, Selection(), "noise"))


def stream_batches(
    clips: Sequence[EvaluationClip], seed: int, bad: BadFiles
) -> list[tuple[EvaluationClip, ...]]:
    """Return recordings of one rate together, in random order, about STREAM_SECONDS each."""
    by_rate: dict[int, list[tuple[EvaluationClip, ...]]] = {}
    filled: dict[int, float] = {}
    for index in np.random.default_rng(seed).permutation(len(clips)):
        clip = clips[index]
        try:
            recording = open_recording(clip.path)
        except AudioError as error:
            bad.add(BadFile(clip.path, str(error)))
            continue
        rate_hz = recording.sample_rate_hz
        batches = by_rate.setdefault(rate_hz, [()])
        if filled.get(rate_hz, 0.0) >= STREAM_SECONDS:
            batches.append(())
            filled[rate_hz] = 0.0
        batches[-1] = (*batches[-1], clip)
        filled[rate_hz] = filled.get(rate_hz, 0.0) + recording.seconds
    return [batch for batches in by_rate.values() for batch in batches]
