"""Thresholds by the rate of false accepts that they keep to, written into an artefact."""

from collections.abc import Mapping
from dataclasses import replace

from firmware_py.artefact import Artefact
from firmware_py.policies.trigger import TriggerPolicy
from models.evaluation.assess import all_curves, assess
from models.evaluation.collect import CollectedPosteriors
from models.evaluation.conditions import AS_RECORDED
from models.evaluation.rare_false_accepts import threshold_for
from models.evaluation.results import DEFAULT, SENSITIVE, STRICT, Evaluation, point_mapping
from models.replacing import replacing


def calibrate(
    heard: CollectedPosteriors,
    policy: TriggerPolicy,
    targets: Mapping[str, float],
    *,
    threshold: float | None = None,
    least: float = 0.0,
) -> dict[str, Evaluation]:
    """Return what was heard, judged at a policy for each target, by name.

    policy: all but the threshold.
    targets: false accepts an hour of STRICT, DEFAULT and SENSITIVE.
    threshold: of the default policy, where a person decides it; the others do not cross it.
    least: the lowest threshold that may be chosen.
    """
    curve = all_curves(heard, policy)[AS_RECORDED]
    chosen = {name: threshold_for(curve, rate, least) for name, rate in targets.items()}
    if threshold is not None:
        chosen[DEFAULT] = threshold
    chosen[STRICT] = max(chosen[STRICT], chosen[DEFAULT])
    chosen[SENSITIVE] = min(chosen[SENSITIVE], chosen[DEFAULT])
    return {name: assess(heard, replace(policy, threshold=value)) for name, value in chosen.items()}


def write_operating_points(
    artefact: Artefact, chosen: Mapping[str, Evaluation], targets: Mapping[str, float]
) -> None:
    """Put the policies that `calibrate` chose into the artefact's file, replaced at once.

    `default` becomes the model's policy, the others its operating points. What was measured at
    each is recorded, with its intervals and its target (false accepts an hour).
    """
    others = {name: evaluation for name, evaluation in chosen.items() if name != DEFAULT}
    default = chosen[DEFAULT]
    record = {
        "target_false_accepts_per_hour": targets[DEFAULT],
        **default.summary(),
        "recordings": _recordings(default),
        "conditions": [
            {"condition": condition.name, **point_mapping(curve.at(default.policy.threshold))}
            for condition, curve in list(default.curves.items())[1:]
        ],
        "operating_points": {
            name: {"target_false_accepts_per_hour": targets[name], **other.summary()}
            for name, other in others.items()
        },
    }
    metadata = replace(
        artefact.metadata,
        trigger=default.policy,
        operating_points={name: other.policy for name, other in others.items()},
        evaluation=record,
    )
    with replacing(artefact.path) as part:
        part.write_bytes(artefact.repacked(metadata))


def _recordings(evaluation: Evaluation) -> dict[str, list[str]]:
    """Return the names of the sources that were tried."""
    groups = evaluation.sources
    return {
        "positives": [group.name for group in groups if group.point.positives],
        "negatives": [group.name for group in groups if group.point.hours],
    }
