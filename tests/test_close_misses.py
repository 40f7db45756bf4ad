"""Close misses: one peak an utterance."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_py.artefact import read_artefact
from firmware_py.ensemble import Hit, Model
from firmware_py.monitor.close_misses import CloseMiss, CloseMissDetector
from firmware_py.policies.trigger import Trigger, TriggerPolicy
from firmware_py.streaming.frame_detector import Detection

BEEP = read_artefact(Path(__file__).parent / "data" / "beep.tflite")
POLICY = replace(BEEP.metadata.trigger, threshold=0.8)
MODEL = Model(BEEP, POLICY)
WORD = BEEP.metadata.labels[0]
PIECE_SECONDS = 0.16
LOW = [0.0] * 10


def misses(scores: list[float], fired: tuple[int, ...] = ()) -> list[tuple[float, int]]:
    """Return (score, index of the piece) of each close miss; fired: pieces with a detection."""
    detector = CloseMissDetector(share=0.5)
    found: list[CloseMiss] = []
    for index, score in enumerate(scores):
        now = (index + 1) * PIECE_SECONDS
        hits = [Hit(MODEL, Detection(WORD, now, score))] if index in fired else []
        found += detector.process([(MODEL, {WORD: score})], hits, now)
    return [(miss.score, round(miss.time_seconds / PIECE_SECONDS) - 1) for miss in found]


def test_one_peak_an_utterance() -> None:
    word = [0.5, 0.7, 0.3, 0.6, 0.1]
    assert misses([*LOW, *word, *LOW, *word[::-1], *LOW]) == [(0.7, 11), (0.7, 28)]


def test_what_was_detected_is_no_miss() -> None:
    assert misses([*LOW, 0.5, 0.95, 0.7, *LOW, *LOW, 0.6, *LOW], fired=(11,)) == [(0.6, 33)]


def test_a_rise_within_the_dead_time_is_no_miss() -> None:
    dead = Model(BEEP, replace(POLICY, refractory=round(3.0 / BEEP.metadata.step_seconds)))
    detector = CloseMissDetector(share=0.5)
    hit = Hit(dead, Detection(WORD, 1.0, 0.9))
    assert detector.process([(dead, {WORD: 0.9})], [hit], 1.0) == []
    for score, now in ((0.0, 2.0), (0.7, 3.0), (0.0, 4.0), (0.7, 5.0)):
        assert detector.process([(dead, {WORD: score})], [], now) == []
    assert [miss.score for miss in detector.process([(dead, {WORD: 0.0})], [], 6.0)] == [0.7]


def test_nothing_below_the_limit_and_nothing_before_the_end() -> None:
    assert misses([0.4] * 50) == []
    assert misses([*LOW, 0.7, 0.0, 0.0, 0.0]) == []


def test_noise_that_stays_high_is_one_utterance() -> None:
    noise = np.random.default_rng(1).uniform(0.41, 0.79, 500).tolist()
    assert [score for score, _ in misses([*noise, *LOW])] == [max(noise)]


@pytest.mark.parametrize("length", [1, 3, 100])
def test_a_trigger_keeps_its_highest_score_until_asked(length: int) -> None:
    trigger = Trigger(TriggerPolicy(threshold=0.9, smoothing=2))
    posteriors = [0.0, 0.2, 0.8, 0.6, 0.0, 0.0]
    for start in range(0, len(posteriors), length):
        list(trigger.process(posteriors[start : start + length]))
    assert trigger.take_peak() == pytest.approx(0.7)
    assert trigger.take_peak() == 0.0
