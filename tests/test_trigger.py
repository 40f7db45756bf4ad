"""Triggers against the classic loops, written out."""

from dataclasses import replace

import numpy as np
import pytest

from firmware_py.errors import SettingsError
from firmware_py.policies.trigger import Trigger, TriggerPolicy


def fired(policy, posteriors, cuts=()):
    trigger = Trigger(policy)
    found, offset = [], 0
    for part in np.split(np.asarray(posteriors, float), cuts):
        found += [offset + index for index, _ in trigger.process(part.tolist())]
        offset += len(part)
    return found


@pytest.fixture(scope="module")
def wandering():
    rng = np.random.default_rng(5)
    walk = np.convolve(rng.standard_normal(5000), np.ones(25) / 5, "same")
    return 1 / (1 + np.exp(-walk))


def test_more_than_20_consecutive_then_count_anew(wandering):
    expected, consecutive = [], 0
    for step, posterior in enumerate(wandering):
        consecutive = consecutive + 1 if posterior > 0.5 else 0
        if consecutive > 20:
            expected.append(step)
            consecutive = 0
    policy = TriggerPolicy(threshold=0.5, patience=21, release=False)
    assert fired(policy, wandering) == expected
    assert len(expected) > 20


def test_above_and_more_than_75_since_the_last(wandering):
    expected, last = [], -1000
    for step, posterior in enumerate(wandering):
        if posterior > 0.5 and step - last > 75:
            expected.append(step)
            last = step
    policy = TriggerPolicy(threshold=0.5, refractory=75, release=False)
    assert fired(policy, wandering) == expected
    assert len(expected) > 20


def test_one_trigger_an_utterance():
    utterance = [0.1] * 5 + [0.9] * 200 + [0.1] * 5 + [0.9] * 3
    assert fired(TriggerPolicy(threshold=0.5, refractory=10), utterance) == [5, 210]


def test_smoothing_is_the_mean_of_the_last(wandering):
    width = 7
    padded = np.concatenate((np.zeros(width - 1), wandering))
    means = np.convolve(padded, np.ones(width) / width, "valid")
    policy = TriggerPolicy(threshold=0.6, smoothing=width, release=False)
    assert fired(policy, wandering) == np.flatnonzero(means > 0.6).tolist()


def test_cuts_do_not_matter(wandering):
    policy = TriggerPolicy(threshold=0.6, smoothing=3, patience=2, refractory=9)
    cuts = np.sort(np.random.default_rng(6).integers(0, 5000, 300))
    assert fired(policy, wandering, cuts) == fired(policy, wandering)


def test_reset_forgets():
    trigger = Trigger(TriggerPolicy(refractory=100))
    assert len(list(trigger.process([0.9]))) == 1
    trigger.reset()
    assert len(list(trigger.process([0.9]))) == 1


def test_it_says_what_it_does():
    policy = TriggerPolicy(threshold=0.9, smoothing=3, refractory=12)
    assert policy.describe(0.04) == (
        "above 0.9 for 1 step of 40 ms (mean of 3), then ignores sound for 0.48 s"
    )
    assert " for 20 steps of 7.26 ms " in replace(policy, patience=20).describe(0.00725624)


@pytest.mark.parametrize("values", [{"threshold": 1.5}, {"patience": 0}, {"refractory": -1}])
def test_wrong_values_are_named(values):
    with pytest.raises(SettingsError, match=next(iter(values))):
        TriggerPolicy(**values)
