"""Thresholds by the rate of false accepts that they keep to, written into an artefact."""

from collections.abc import Mapping
from dataclasses import replace

from firmware_py.artefact import Artefact
from firmware_py.errors import SettingsError
from models.evaluation.assess import assess
from models.evaluation.results import TARGETS, Evaluation, point_mapping

DEFAULT = "default"


def with_operating_points(
    artefact: Artefact,
    evaluation: Evaluation,
    targets: Mapping[str, float] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> bytes:
    """Return the artefact's file content with policies chosen for `targets`.

    targets: false accepts an hour by name; `default` becomes the model's policy, the others its
    operating points. What was measured at each is recorded, with its intervals.
    thresholds: by name, instead of the lowest ones that keep to the targets on these recordings.
    """
    targets = TARGETS if targets is None else targets
    if DEFAULT not in targets:
        raise SettingsError(f"targets are {', '.join(targets)}; one of them must be {DEFAULT!r}")
    chosen = {
        name: assess(evaluation.heard, replace(evaluation.policy, threshold=thresholds[name]))
        if thresholds
        else assess(evaluation.heard, evaluation.policy, rate)
        for name, rate in targets.items()
    }
    default = chosen.pop(DEFAULT)
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
            for name, other in chosen.items()
        },
    }
    metadata = replace(
        artefact.metadata,
        trigger=default.policy,
        operating_points={name: other.policy for name, other in chosen.items()},
        evaluation=record,
    )
    return artefact.repacked(metadata)


def _recordings(evaluation: Evaluation) -> dict[str, list[str]]:
    """Return the names of the sources that were tried."""
    groups = evaluation.sources
    return {
        "positives": [group.name for group in groups if group.point.positives],
        "negatives": [group.name for group in groups if group.point.hours],
    }
