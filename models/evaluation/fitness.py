"""What may be promised of a model, and when it is too deaf to be handed over."""

import logging
from collections.abc import Mapping

import numpy as np

from firmware_py.errors import SettingsError
from models.errors import UnfitModelError
from models.evaluation.results import DEFAULT, Evaluation

LEAST_EXPECTED = 1.0
"""False accepts that a rate must let expect in the hours there are, for them to carry it."""
MOST_MISSED = 0.5
"""Share of its own words."""

log = logging.getLogger(__name__)


def carried_targets(hours: float, targets: Mapping[str, float]) -> dict[str, float]:
    """Return rates of false accepts an hour by name, none below what so many hours can carry.

    Of a rarer event the hours show nothing, and a threshold drawn out to it is a guess that
    costs words. Each rate that is replaced is said.
    """
    carried = {name: max(rate, LEAST_EXPECTED / hours) for name, rate in targets.items()}
    for name, rate in targets.items():
        if carried[name] > rate:
            log.warning(
                "%s: chosen for %.3g false accepts an hour instead of %g, for which %.3g h of"
                " recordings without the word are too short; it takes %.3g h",
                name,
                carried[name],
                rate,
                hours,
                LEAST_EXPECTED / rate,
            )
    return carried


def refuse_uncarried(hours: float, targets: Mapping[str, float]) -> None:
    """Raise SettingsError when so many hours do not carry the rate of the default policy."""
    rate = targets[DEFAULT]
    if rate * hours < LEAST_EXPECTED:
        raise SettingsError(
            f"{hours:.2g} h of recordings without the word are too short to choose a threshold for"
            f" {rate:g} false accepts an hour, which takes {LEAST_EXPECTED / rate:.3g} h: give more"
            f" --negatives, or rates from {LEAST_EXPECTED / hours:.3g} on"
        )


def refuse_deaf(evaluation: Evaluation) -> None:
    """Raise UnfitModelError for a model that misses most of the words it was tried on."""
    point = evaluation.point
    if not point.positives or point.miss_rate <= MOST_MISSED:
        return
    raise UnfitModelError(
        f"{evaluation.heard.artefact.path.name} misses {point.misses} of {point.positives} test"
        f" words at threshold {point.threshold:.3g}, where {point.false_accepts} false accepts are"
        f" left in {point.hours:.2g} h: {_reason(evaluation)}; nothing was written"
    )


def _reason(evaluation: Evaluation) -> str:
    curve = evaluation.curve
    hears = np.flatnonzero(curve.misses <= MOST_MISSED * curve.positives)
    if not len(hears):
        return "it hears most of them at no threshold, so it has learnt too little"
    best = curve.point(int(hears[-1]))
    return (
        f"to hear half of them it takes {best.threshold:.3g}, with"
        f" {best.false_accepts_per_hour:.3g} false accepts an hour"
    )
