"""Policies chosen for rates of false accepts, for a network that hears a tone of 1175 Hz."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tone_recordings import BEEP, make_speech, make_words

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.commands import calibrate as command
from models.errors import UnfitModelError
from models.evaluation import (
    CollectedPosteriors,
    Setting,
    calibrate,
    collect,
    write_operating_points,
)
from models.evaluation.results import TARGETS

REACHED = {"strict": 61.0, "default": 70.0, "sensitive": 300.0}
"""A minute of recordings lets one false accept pass at the first of these rates, five at the last
one."""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return make_words(tmp_path / "words")


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return make_speech(tmp_path / "speech")


@pytest.fixture
def beep(tmp_path: Path) -> Path:
    """Return a copy of the model that may be changed."""
    copy = tmp_path / "beep.tflite"
    copy.write_bytes(BEEP.read_bytes())
    return copy


@pytest.fixture
def heard(beep: Path, words: Path, speech: Path) -> CollectedPosteriors:
    return collect(read_artefact(beep), [words], [speech], Setting(levels_dbfs=(-30.0,)))


def thresholds(
    heard: CollectedPosteriors, threshold: float | None = None, least: float = 0.0
) -> list[float]:
    """Return the thresholds chosen for REACHED, the strictest first."""
    policy = heard.artefact.metadata.trigger
    chosen = calibrate(heard, policy, REACHED, threshold=threshold, least=least)
    return [chosen[name].policy.threshold for name in REACHED]


def test_the_lowest_threshold_within_a_rate_is_chosen(heard: CollectedPosteriors) -> None:
    strict, default, sensitive = thresholds(heard)
    assert strict >= default > sensitive
    policy = heard.artefact.metadata.trigger
    counts = [found.point.false_accepts for found in calibrate(heard, policy, REACHED).values()]
    assert counts == [1, 1, 2]


def test_other_policies_do_not_cross_a_default_that_a_person_decides(
    heard: CollectedPosteriors,
) -> None:
    strict, _, sensitive = thresholds(heard)
    assert thresholds(heard, threshold=0.9999) == [0.9999, 0.9999, sensitive]
    assert thresholds(heard, threshold=1e-6) == [strict, 1e-6, 1e-6]


def test_no_threshold_is_below_the_least(heard: CollectedPosteriors) -> None:
    strict, default, _ = thresholds(heard)
    assert thresholds(heard, least=0.4) == [max(strict, 0.4), max(default, 0.4), 0.4]


def test_what_was_measured_travels_in_the_artefact(heard: CollectedPosteriors) -> None:
    artefact = heard.artefact
    policy = replace(artefact.metadata.trigger, smoothing=2)
    chosen = calibrate(heard, policy, REACHED)
    write_operating_points(artefact, chosen, REACHED)
    metadata = read_artefact(artefact.path).metadata
    assert metadata.trigger == replace(policy, threshold=chosen["default"].policy.threshold)
    assert set(metadata.operating_points) == {"strict", "sensitive"}
    evaluation = metadata.evaluation
    assert (evaluation["positives"], evaluation["target_false_accepts_per_hour"]) == (8, 70.0)
    assert evaluation["operating_points"]["sensitive"]["target_false_accepts_per_hour"] == 300.0
    assert [row["condition"] for row in evaluation["conditions"]] == ["level -30 dBFS"]
    assert evaluation["recordings"] == {"positives": ["words"], "negatives": ["speech"]}
    assert not list(artefact.path.parent.glob(".part-*"))


def test_a_second_stage_stays_and_is_counted(words: Path, speech: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.tflite"
    path.write_bytes((BEEP.parent / "long-beep.tflite").read_bytes())
    artefact = read_artefact(path)
    heard = collect(artefact, [words], [speech])
    chosen = calibrate(heard, artefact.metadata.trigger, TARGETS)
    write_operating_points(artefact, chosen, TARGETS)
    written = read_artefact(path)
    assert written.verifier == artefact.verifier
    assert written.metadata.evaluation["second_stage"]["hours"] == pytest.approx(60 / 3600)


def run_command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["calibrate", *map(str, arguments)])
    return int(parsed.run(parsed))


def rates(values: Sequence[float] = tuple(REACHED.values())) -> tuple[object, ...]:
    return ("--rates", *values)


def test_command_says_what_each_policy_promises(
    beep: Path, words: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(beep, *rates(), "--positives", words, "--negatives", speech) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(REACHED)
    threshold = read_artefact(beep).metadata.operating_points["sensitive"].threshold
    assert f"threshold {threshold:.6g}: missed 25.0 (3.2 to 65.1) %" in lines[2]
    assert "2 false accepts in 0.02 h, 120.00 (14.53 to 433.48) an hour" in lines[2]


def test_command_needs_no_recordings_of_the_word(
    beep: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(beep, *rates(), "--negatives", speech, "--json") == 0
    strict, default, sensitive = map(json.loads, capsys.readouterr().out.splitlines())
    metadata = read_artefact(beep).metadata
    assert default["threshold"] == metadata.trigger.threshold
    assert (sensitive["policy_name"], sensitive["false_accepts"]) == ("sensitive", 2)
    assert strict["target_false_accepts_per_hour"] == 61.0
    assert "miss_rate" not in metadata.evaluation


def test_too_few_hours_for_the_strict_rate_are_said_and_their_own_rate_is_taken(
    beep: Path, speech: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run_command(beep, *rates((0.5, 80, 300)), "--negatives", speech, "--json") == 0
    strict = json.loads(capsys.readouterr().out.splitlines()[0])
    assert strict["target_false_accepts_per_hour"] == pytest.approx(60.0)
    said = "strict: chosen for 60 false accepts an hour instead of 0.5, for which 0.0167 h"
    assert said in caplog.text
    assert "it takes 2 h" in caplog.text


def test_a_person_may_decide_the_threshold_whatever_the_hours(beep: Path, speech: Path) -> None:
    assert run_command(beep, "--threshold", 0.75, "--negatives", speech) == 0
    assert read_artefact(beep).metadata.trigger.threshold == 0.75


def test_a_policy_that_misses_most_words_is_refused_with_the_reason(
    beep: Path, speech: Path, tmp_path: Path
) -> None:
    faint = make_words(tmp_path / "faint", amplitude=2)
    with pytest.raises(UnfitModelError, match=r"misses 8 of 8 test words .* nothing was written"):
        run_command(beep, *rates(), "--positives", faint, "--negatives", speech)
    assert beep.read_bytes() == BEEP.read_bytes()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ((), r"0.017 h of recordings .* 0.5 false accepts an hour, which takes 2 h.* from 60 on"),
        (rates((1, 2, 300)), "too short to choose a threshold for 2 false accepts an hour"),
        (rates((1, 2)), r"--rates is \[1.0, 2.0\]; give 3 rates above 0 that rise"),
        (rates((5, 2, 1)), "that rise: strict, default, sensitive"),
        (rates((0, 1, 2)), "above 0"),
        (rates((1, 2, float("nan"))), "above 0"),
        (("--threshold", 2), "threshold is 2"),
        (("--limit", 0), "--limit is 0"),
    ],
)
def test_contradictions_are_refused_and_change_nothing(
    beep: Path, speech: Path, extra: tuple[object, ...], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        run_command(beep, "--negatives", speech, *extra)
    assert beep.read_bytes() == BEEP.read_bytes()
