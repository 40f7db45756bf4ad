"""From posteriors to an evaluation, at one policy and all thresholds."""

import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import signal

from firmware_py.artefact import Artefact, read_artefact
from firmware_py.policies.trigger import Trigger, TriggerPolicy
from models.evaluation.collect import CollectedPosteriors, Setting, collect, trigger_policy
from models.evaluation.conditions import AS_RECORDED, Condition
from models.evaluation.metrics import (
    Curve,
    OperatingPoint,
    Sweep,
    logit_thresholds,
    smoothed,
    sweep_triggers,
)
from models.evaluation.results import ClipResult, Evaluation, FrameAccuracy, Group, Peak
from models.evaluation.runs import ClipRun, StreamRun, decided_seconds
from models.evaluation.selection import EvaluationClip

LABEL_SECONDS = 0.25
"""Steps that end within this time after the word's end should be above the threshold."""
PEAK_SECONDS = 1.0
"""Peaks of the score nearer than this are one."""
NUM_PEAKS = 50

log = logging.getLogger(__name__)


def evaluate(
    artefact: Artefact | Path | str,
    positives: Sequence[Path],
    negatives: Sequence[Path],
    setting: Setting | None = None,
    *,
    policy: TriggerPolicy | None = None,
    target_false_accepts_per_hour: float | None = None,
    executor: Executor | None = None,
) -> Evaluation:
    """Try a model on folders of recordings through the runtime that ships.

    See `collect` for the recordings and `assess` for the policy and the threshold.
    """
    if not isinstance(artefact, Artefact):
        artefact = read_artefact(artefact)
    heard = collect(artefact, positives, negatives, setting, executor)
    return assess(heard, policy, target_false_accepts_per_hour)


def assess(
    heard: CollectedPosteriors,
    policy: TriggerPolicy | None = None,
    target_false_accepts_per_hour: float | None = None,
) -> Evaluation:
    """Judge what was heard at `policy`, or the model's own.

    With a target, the lowest threshold that keeps to it replaces the policy's; one that no
    threshold reaches is named in the log and gets the highest threshold.
    """
    policy = policy or trigger_policy(heard.artefact)
    curves = all_curves(heard, policy)
    if target_false_accepts_per_hour is not None:
        threshold = _chosen(curves[AS_RECORDED], target_false_accepts_per_hour)
        policy = replace(policy, threshold=threshold)
    clips = clip_results(heard, policy)
    peaks = negative_peaks(heard, policy)
    return Evaluation(
        heard,
        policy,
        curves,
        clips,
        peaks,
        sources=_by_source(heard, policy, clips, peaks),
        engines=_by(policy, clips, lambda clip: clip.engine),
        voices=_by(policy, clips, lambda clip: f"{clip.engine} {clip.voice}".strip()),
        frame_accuracy=frame_accuracy(heard, policy.threshold),
        target_false_accepts_per_hour=target_false_accepts_per_hour,
    )


def all_curves(heard: CollectedPosteriors, policy: TriggerPolicy) -> dict[Condition, Curve]:
    """Return misses and false accepts at all thresholds, by condition."""
    return {condition: sweep.curve() for condition, sweep in all_sweeps(heard, policy).items()}


def all_sweeps(heard: CollectedPosteriors, policy: TriggerPolicy) -> dict[Condition, Sweep]:
    """Return which words are found, and the false accepts, at all thresholds, by condition."""
    thresholds = np.union1d(logit_thresholds(), [policy.threshold])
    false_accepts = {
        condition: sweep_triggers([run.scores for run in runs], policy, thresholds).counts()
        for condition, runs in heard.streams.items()
    }
    sweeps = {}
    for condition, clips in heard.clips.items():
        triggers = sweep_triggers([run.scores for run in clips], policy, thresholds)
        sweeps[condition] = Sweep(
            thresholds,
            triggers.first_steps([run.first_step for run in clips]) >= 0,
            false_accepts.get(condition, false_accepts[AS_RECORDED]),
            heard.hours_in(condition),
        )
    return sweeps


def clip_results(heard: CollectedPosteriors, policy: TriggerPolicy) -> list[ClipResult]:
    """Return what became of each clip of the word, as recorded, at one policy."""
    metadata = heard.artefact.metadata
    results = []
    for run in heard.clips[AS_RECORDED]:
        steps = [step for step in _trigger_steps(run, policy) if step >= run.first_step]
        latency = decided_seconds(metadata, steps[0]) - run.word_end_seconds if steps else None
        scores = smoothed(run.scores, policy.smoothing)[run.first_step :]
        results.append(ClipResult(run, float(scores.max(initial=0.0)), len(steps), latency))
    return results


def negative_peaks(heard: CollectedPosteriors, policy: TriggerPolicy) -> list[Peak]:
    """Return every false accept, and the places that came nearest to one; highest score first."""
    accepted, near = [], []
    for number, run in enumerate(heard.streams[AS_RECORDED]):
        triggers, others = _peak_steps(run, policy, heard.artefact.metadata.step_seconds)
        scores = smoothed(run.scores, policy.smoothing)
        accepted += [_peak(heard, number, step, score, True) for step, score in triggers]
        near += [_peak(heard, number, step, float(scores[step]), False) for step in others]
    near.sort(key=lambda peak: -peak.score)
    room = max(0, NUM_PEAKS - len(accepted))
    return sorted(accepted + near[:room], key=lambda peak: -peak.score)


def frame_accuracy(heard: CollectedPosteriors, threshold: float) -> FrameAccuracy:
    """Return the share of steps that are right, and what "always no" would score."""
    metadata = heard.artefact.metadata
    right = steps = positive = 0
    for run in heard.clips[AS_RECORDED]:
        ends = np.array([metadata.step_end_seconds(step) for step in range(len(run.scores))])
        after = ends - run.word_end_seconds
        labels = (after > 0) & (after <= LABEL_SECONDS)
        right += int(np.sum((run.scores > threshold) == labels))
        positive += int(labels.sum())
        steps += len(labels)
    for stream in heard.streams[AS_RECORDED]:
        right += int(np.sum(stream.scores <= threshold))
        steps += len(stream.scores)
    return FrameAccuracy(right / steps, 1.0 - positive / steps)


def _chosen(curve: Curve, false_accepts_per_hour: float) -> float:
    point = curve.choose(false_accepts_per_hour)
    if point is None:
        point = curve.point(-1)
        log.warning(
            "no threshold keeps to %g false accepts an hour: even %g gives %g",
            false_accepts_per_hour,
            point.threshold,
            point.false_accepts_per_hour,
        )
    return point.threshold


def _trigger_steps(run: ClipRun | StreamRun, policy: TriggerPolicy) -> list[int]:
    """Return the steps of the triggers, by the device's own trigger."""
    return [step for step, _ in Trigger(policy).process(run.scores.tolist())]


def _peak_steps(
    run: StreamRun, policy: TriggerPolicy, step_seconds: float
) -> tuple[list[tuple[int, float]], list[int]]:
    """Return (step, highest score within PEAK_SECONDS) of triggers, and other peaks' steps."""
    scores = smoothed(run.scores, policy.smoothing)
    distance = max(1, round(PEAK_SECONDS / step_seconds))
    triggers = _trigger_steps(run, policy)
    near_trigger = np.zeros(len(scores), bool)
    for step in triggers:
        near_trigger[max(0, step - distance) : step + distance] = True
    peaks, _ = signal.find_peaks(np.pad(scores, 1), distance=distance)
    others = [int(peak) - 1 for peak in peaks if not near_trigger[peak - 1]]
    return [(step, float(scores[step : step + distance].max())) for step in triggers], others


def _peak(heard: CollectedPosteriors, number: int, step: int, score: float, accepted: bool) -> Peak:
    run = heard.streams[AS_RECORDED][number]
    time = heard.artefact.metadata.step_end_seconds(step)
    part = run.parts[max(0, bisect_right(run.parts, time, key=lambda p: p.start_seconds) - 1)]
    return Peak(part.clip, time - part.start_seconds, score, accepted, number, time)


def _by_source(
    heard: CollectedPosteriors,
    policy: TriggerPolicy,
    clips: Sequence[ClipResult],
    peaks: Sequence[Peak],
) -> list[Group]:
    parts = [part for run in heard.streams[AS_RECORDED] for part in run.parts]
    names = sorted({c.clip.source for c in clips} | {part.clip.source for part in parts})
    return [
        Group(
            name,
            _point(
                policy,
                [clip for clip in clips if clip.clip.source == name],
                sum(peak.accepted and peak.clip.source == name for peak in peaks),
                sum(part.seconds for part in parts if part.clip.source == name),
            ),
        )
        for name in names
    ]


def _by(
    policy: TriggerPolicy, clips: Sequence[ClipResult], key: Callable[[EvaluationClip], str]
) -> list[Group]:
    """Return the positives by what the manifest tells of them; without a manifest, nothing."""
    names = sorted({key(clip.clip) for clip in clips} - {""})
    return [
        Group(name, _point(policy, [c for c in clips if key(c.clip) == name], 0, 0.0))
        for name in names
    ]


def _point(
    policy: TriggerPolicy, clips: Sequence[ClipResult], false_accepts: int, seconds: float
) -> OperatingPoint:
    misses = sum(not clip.found for clip in clips)
    return OperatingPoint(policy.threshold, misses, len(clips), false_accepts, seconds / 3600.0)
