"""From posteriors to an evaluation, at one policy and all thresholds."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, read_artefact
from firmware_py.trigger import TriggerPolicy
from models.evaluation.collect import Heard, Setting, collect
from models.evaluation.conditions import AS_RECORDED, Condition
from models.evaluation.results import ClipResult, Evaluation, FrameAccuracy, Group, Peak
from models.evaluation.runs import ClipRun, StreamRun, decided_seconds
from models.metrics import (
    Curve,
    OperatingPoint,
    TriggerSweep,
    detection_curve,
    logit_thresholds,
    smoothed,
    sweep_triggers,
)

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
    heard: Heard,
    policy: TriggerPolicy | None = None,
    target_false_accepts_per_hour: float | None = None,
) -> Evaluation:
    """Judge what was heard at `policy`, or the model's own.

    With a target, the lowest threshold that keeps to it replaces the policy's; one that no
    threshold reaches is named in the log and gets the highest threshold.
    """
    policy = policy or heard.artefact.metadata.trigger
    thresholds = np.union1d(logit_thresholds(), [policy.threshold])
    curves = {
        condition: _curve(clips, heard.streams_in(condition), policy, thresholds)
        for condition, clips in heard.clips.items()
    }
    if target_false_accepts_per_hour is not None:
        threshold = _chosen(curves[AS_RECORDED], target_false_accepts_per_hour)
        policy = replace(policy, threshold=threshold)
    return _at(heard, policy, curves, target_false_accepts_per_hour)


def _chosen(curve: Curve, false_accepts_per_hour: float) -> float:
    point = curve.choose(false_accepts_per_hour)
    if point is None:
        point = curve.point(-1)
        log.warning("no threshold keeps to %g false accepts an hour: even %g gives %g",
                    false_accepts_per_hour, point.threshold, point.false_accepts_per_hour)  # fmt: skip
    return point.threshold
