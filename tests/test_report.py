"""The report folder of an evaluation whose right answers are known."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread
from tone_recordings import BEEP, make_speech, make_words

from models.evaluation import Evaluation, Setting, evaluate
from models.evaluation.metrics import OperatingPoint
from models.evaluation.report.det import trade_off
from models.evaluation.report.excerpts import (
    AFTER_SECONDS,
    BEFORE_SECONDS,
    scene_of_clip,
    scene_of_peak,
)
from models.evaluation.report.folder import write_report
from models.evaluation.report.pictures import MOST_BARS, by_condition, by_group, latencies
from models.evaluation.report.tables import table
from models.evaluation.results import Group


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("recordings")
    setting = Setting(levels_dbfs=(-45.0, -25.0))
    return evaluate(BEEP, [make_words(folder / "words")], [make_speech(folder / "speech")], setting)


@pytest.fixture(scope="module")
def report(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(evaluation, folder)
    return folder


def test_report_tells_the_numbers(report: Path) -> None:
    text = (report / "report.md").read_text()
    assert "| words missed | 2 of 8: 25.0 (3.2 to 65.1) % |" in text
    assert "| false accepts | 2 in 0.02 h: 120.00 (14.53 to 433.48) an hour |" in text
    assert re.search(r'steps on the right side \| [\d.]+ %; "always no" scores [\d.]+ %', text)
    assert "| level -45 dBFS | 8 | 25.0 (3.2 to 65.1) | 0.02 | 2 |" in text


def test_every_link_leads_somewhere(report: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (report / "report.md").read_text())
    assert len(links) > 15
    assert all((report / link).is_file() for link in links)
    for link in links:
        if link.endswith(".png"):
            assert min(imread(report / link).shape[:2]) > 150


def test_voices_have_names_that_people_read(evaluation: Evaluation, tmp_path: Path) -> None:
    point = OperatingPoint(0.5, 1, 4, 0, 0.0)
    synthetic = replace(
        evaluation,
        engines=[Group("espeak-ng", point)],
        voices=[Group("espeak-ng en-GB-scotland+f3", point)],
    )
    write_report(synthetic, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| eSpeak NG | 4 | 25.0" in text
    assert "| Scottish English, female 3 (eSpeak NG) | 4 | 25.0" in text
    written = json.loads((tmp_path / "evaluation.json").read_text())
    assert written["voices"][0]["voice"] == "espeak-ng en-GB-scotland+f3"


def test_report_has_the_json(report: Path, evaluation: Evaluation) -> None:
    written = json.loads((report / "evaluation.json").read_text())
    assert written == json.loads(json.dumps(evaluation.to_json()))


def test_worst_false_accept_is_cut_out(report: Path) -> None:
    samples, rate_hz = soundfile.read(report / "sounds" / "false-accept-01.wav")
    assert len(samples) == pytest.approx((BEFORE_SECONDS + AFTER_SECONDS) * rate_hz, abs=2)
    tone = np.exp(-2j * np.pi * 1175 * np.arange(len(samples)) / rate_hz)
    loudness = np.abs(np.convolve(samples * tone, np.ones(800) / 800, "same"))
    assert np.argmax(loudness) / rate_hz == pytest.approx(BEFORE_SECONDS, abs=0.4)


def test_stretch_reaches_over_seams(evaluation: Evaluation) -> None:
    stream = evaluation.heard.streams[next(iter(evaluation.heard.streams))][0]
    seam = stream.parts[1].start_seconds
    peak = next(peak for peak in evaluation.peaks if peak.accepted)
    moved = type(peak)(peak.clip, 0.0, 0.5, False, 0, seam)
    scene = scene_of_peak(evaluation, moved)
    ends = [soundfile.read(part.clip.path, dtype="int16")[0] for part in stream.parts[:2]]
    before, after = round(BEFORE_SECONDS * 16000), round(AFTER_SECONDS * 16000)
    assert np.array_equal(scene.samples, np.concatenate((ends[0][-before:], ends[1][:after])))
    assert scene.said is not None
    assert scene.said.step_seconds[0] >= 0
    assert scene.said.step_seconds[-1] <= BEFORE_SECONDS + AFTER_SECONDS


def test_trade_off_shows_the_operating_point_on_its_curve(evaluation: Evaluation) -> None:
    axes = trade_off(evaluation).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    (marker,) = (line for line in axes.lines if line.get_marker() == "o")
    assert marker.get_xydata().tolist() == [[120.0, 25.0]]
    (curve,) = (line for line in axes.lines if line.get_label() == "as recorded")
    assert [120.0, 25.0] in curve.get_xydata().tolist()


def test_latency_picture_counts_every_detection(evaluation: Evaluation) -> None:
    axes = latencies(evaluation).axes[0]
    assert sum(patch.get_height() for patch in axes.patches) == 6
    assert axes.get_title(loc="left") == "6 detections"


def test_conditions_are_drawn_in_order(evaluation: Evaluation) -> None:
    figure = by_condition(evaluation)
    assert figure is not None
    for axes in figure.axes:
        labels = [tick.get_text() for tick in axes.get_xticklabels()]
        assert labels == ["as recorded", "-45", "-25"]


def test_many_voices_are_cut_to_the_worst() -> None:
    groups = [Group(f"voice{n}", OperatingPoint(0.5, n, 50, 0, 0.0)) for n in range(40)]
    figure = by_group(groups, "Voices")
    assert figure is not None
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == [f"voice{n}" for n in range(40 - MOST_BARS, 40)]
    assert by_group([], "Voices") is None


def test_a_rate_is_not_drawn_from_minutes_beside_those_from_hours() -> None:
    points = {
        "long": OperatingPoint(0.5, 0, 0, 1, 5.0),
        "minutes": OperatingPoint(0.5, 0, 0, 7, 0.02),
    }
    figure = by_group([Group(name, point) for name, point in points.items()], "Sources")
    assert figure is not None
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["long"]
    assert axes.get_xlim()[1] < 2.0
    assert by_group([Group("minutes", points["minutes"])], "Sources") is None


def test_near_misses_are_not_called_false_accepts(report: Path) -> None:
    text = (report / "report.md").read_text()
    accepted = re.search("## False accepts\n(.*?)\n## Near misses", text, re.DOTALL)
    assert accepted
    assert accepted[1].count("sounds/false-accept-") == 2
    assert "near-miss" not in accepted[1]
    assert "(sounds/near-miss-01.wav)" in text


def test_a_typical_word_is_drawn_first_with_its_smoothed_score(evaluation: Evaluation) -> None:
    found = sorted(clip.best_score for clip in evaluation.clips if clip.found)
    clip = next(clip for clip in evaluation.clips if clip.best_score == found[len(found) // 2])
    scene = scene_of_clip(evaluation, clip)
    assert scene.said is not None
    assert scene.said.scores.max() == pytest.approx(clip.best_score, abs=1e-6)


def test_table_escapes_what_would_break_it() -> None:
    assert table(("a", "b"), [("x|y", "1\n2")]).splitlines()[-1] == "| x\\|y | 1 2 |"
