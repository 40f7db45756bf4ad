"""`trigger-word bench`: what it measures adds up, and its limits decide the exit code."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from virtual_sound import beeps

from firmware_py import Detector
from firmware_py.bench.budget import Budget, read_budgets
from firmware_py.bench.soak import summarise
from firmware_py.bench.table import BAR_LENGTH, share_bar
from firmware_py.bench.trial import OutputCall, SoakSample
from firmware_py.bench.word_latency import WordSpan, read_words, word_latency
from firmware_py.board_state import BoardState
from firmware_py.errors import AudioError, SettingsError
from firmware_py.interpreter import installed_runtimes

BEEP = Path(__file__).parent / "data" / "beep.tflite"
WORDS = [
    {"label": "beep", "start_seconds": start, "end_seconds": start + 0.25} for start in (1.0, 4.0)
]


def bench(*arguments):
    command = [sys.executable, "-m", "firmware_py", "bench", BEEP, *arguments]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Six seconds at another rate than the model's, with the times of its two beeps."""
    path = tmp_path_factory.mktemp("bench") / "beeps.wav"
    soundfile.write(path, beeps((1.0, 4.0), 6.0, 48000), 48000, "PCM_16")
    path.with_suffix(".json").write_text(json.dumps(WORDS))
    return path


@pytest.fixture(scope="module")
def measured(recording):
    """One run over 12 s on every interpreter."""
    began = time.perf_counter()
    result = bench("--audio", recording, "--seconds", 12, "--json")
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return rows, time.perf_counter() - began


def test_every_interpreter_is_measured_on_the_audio_asked_for(measured):
    rows, _ = measured
    assert [row["runtime"] for row in rows] == installed_runtimes()
    for row in rows:
        assert (row["name"], row["mode"], row["num_threads"]) == ("beep", "float32", 1)
        assert row["audio_seconds"] == pytest.approx(12.0, abs=0.1)


def test_the_parts_make_the_whole_and_fit_into_the_time_it_took(measured):
    rows, wall_seconds = measured
    for row in rows:
        cost = row["cost"]
        parts = cost["front_end"] + cost["network"] + cost["decision"]
        assert min(cost.values()) > 0
        assert cost["total"] / 5 < parts < cost["total"] * 5
        assert cost["total"] * row["audio_seconds"] < wall_seconds
        assert row["load_cpu_seconds"] < row["start_cpu_seconds"]


def test_the_percentiles_are_in_order_and_the_budget_is_the_chunk(measured):
    for row in measured[0]:
        times = row["call_ms"]
        assert 0 < times["p50"] <= times["p95"] <= times["p99"] <= times["worst"]
        assert times["budget"] == pytest.approx(80.0)
        assert row["real_time_factor"] >= times["p50"] / times["budget"] / 2


def test_memory_counts_what_python_alone_does_not_take(measured):
    for row in measured[0]:
        fresh_mb = row["rss_mb"] - row["rss_over_interpreter_mb"]
        assert 3 < fresh_mb < 30  # a bare CPython
        assert row["rss_over_interpreter_mb"] > 10  # numpy at least


def test_latency_is_the_detectors_own_and_the_wait_for_the_chunk(measured, recording):
    samples, rate_hz = soundfile.read(recording, dtype="int16")
    with Detector.open(BEEP, sample_rate_hz=rate_hz) as detector:
        found = detector.process(samples) + detector.flush()
    ends = [word["end_seconds"] for word in WORDS]
    certain = [1e3 * (hit.time_seconds - end) for hit, end in zip(found, ends, strict=True)]
    for row in measured[0]:
        latency = row["word_latency_ms"]
        assert (latency["num_heard"], latency["num_words"]) == (2, 2)
        assert latency["worst"] >= max(certain) - 1.0
        assert latency["median"] <= np.median(certain) + 80.0 + 1.0 + row["call_ms"]["worst"]


def test_people_get_tables_and_the_soak(recording):
    result = bench(
        "--audio", recording, "--seconds", 3, "--soak", 0.03, "--runtime", installed_runtimes()[0]
    )
    assert result.returncode == 0, result.stderr
    for text in ("of one core", "▏", "after the word", "2 of 2", "at full load"):
        assert text in result.stdout


def test_an_earlier_run_sets_the_pace(measured, recording, tmp_path):
    rows, _ = measured
    for factor, code in ((1e-3, 1), (1e3, 0)):
        earlier = tmp_path / f"{code}.json"
        scaled = [{**row, "cost": {"total": row["cost"]["total"] * factor}} for row in rows]
        earlier.write_text("\n".join(map(json.dumps, scaled)))
        result = bench(
            "--audio",
            recording,
            "--seconds",
            2,
            "--json",
            "--against",
            earlier,
            "--runtime",
            rows[0]["runtime"],
        )
        assert result.returncode == code, result.stderr
        (again,) = map(json.loads, result.stdout.splitlines())
        assert math.log10(again["ratio"] * factor) == pytest.approx(0.0, abs=1.5)
        assert bool(again["excesses"]) == bool(code)


def test_over_budget_is_exit_1_and_said(recording, tmp_path):
    budget = tmp_path / "board.toml"
    budget.write_text("name = 'a board'\n[budget.beep]\ncore_percent = 1e-6\nrss_mb = 5\n")
    result = bench(
        "--audio",
        recording,
        "--seconds",
        2,
        "--budget",
        budget,
        "--runtime",
        installed_runtimes()[0],
    )
    assert result.returncode == 1
    assert "of one core, 1e-06 % allowed" in result.stderr
    assert "MB, 5 MB allowed" in result.stderr


WRONG_USES = {
    "interpreter": (["--runtime", "torch"], "torch"),
    "recording": (["--audio", "missing.wav"], "missing.wav"),
    "threads": (["--threads", "0"], "'0'"),
    "seconds": (["--seconds", "-1"], "'-1'"),
    "earlier": (["--against", "missing.json"], "missing.json"),
    "not an earlier run": (["--against", str(Path(__file__))], "write it again"),
    "budget": (["--budget", "missing.toml"], "missing.toml"),
    "model": (["missing.tflite"], "missing.tflite"),
}


@pytest.mark.parametrize("kind", WRONG_USES)
def test_wrong_use_is_exit_2(kind):
    arguments, expected = WRONG_USES[kind]
    result = bench(*arguments)
    assert result.returncode == 2
    assert expected in result.stderr.strip().splitlines()[-1]
    assert result.stdout == ""


def test_budgets_are_read_strictly(tmp_path):
    path = tmp_path / "b.json"
    path.write_text('{"budget": {"activate": {"core_percent": 10, "rss_mb": 60}}}')
    assert read_budgets(path) == {"activate": Budget(10.0, 60.0)}
    for text in ("{}", "[]", '{"budget": {"activate": {"cores": 1}}}', "budget"):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"b\.json"):
            read_budgets(path)
    assert Budget(10.0, 60.0).excesses(9.9, 59.9) == ()
    assert len(Budget(10.0, 60.0).excesses(10.1, 60.1)) == 2


def test_a_detection_counts_for_its_word_only():
    words = [WordSpan("a", 1.0, 1.5), WordSpan("b", 3.0, 3.5), WordSpan("a", 5.0, 5.5)]
    calls = [OutputCall("a", 0.9), OutputCall("a", 1.6), OutputCall("a", 3.4), OutputCall("a", 5.4)]
    latency = word_latency(words, calls)
    assert (latency.num_heard, latency.num_words) == (2, 3)
    assert latency.worst == pytest.approx(100.0)
    assert latency.median == pytest.approx(0.0)
    assert word_latency(words, []).median is None


def test_words_beside_a_recording(tmp_path):
    assert read_words(tmp_path / "a.wav") is None
    (tmp_path / "a.json").write_text('[{"label": "a"}]')
    with pytest.raises(AudioError, match="start_seconds"):
        read_words(tmp_path / "a.wav")


def test_a_soak_is_summed_up():
    samples = [
        SoakSample(10.0, 0.01, 50_000_000),
        SoakSample(20.0, 0.03, 51_000_000),
        SoakSample(30.0, 0.02, 52_000_000),
    ]
    states = [
        BoardState(50.0, 1_400_000_000, ()),
        BoardState(81.0, 600_000_000, ("hot",)),
        BoardState(None, None, None),
    ]
    soak = summarise(samples, states)
    assert (soak.first_factor, soak.worst_factor, soak.last_factor) == (0.01, 0.03, 0.02)
    assert (soak.hottest_celsius, soak.slowest_clock_hz) == (81.0, 600_000_000)
    assert (soak.throttling, soak.rss_growth_mb) == (("hot",), 2.0)


def test_the_bar_is_one_core_long():
    assert share_bar(1.0) == share_bar(2.0) == "█" * BAR_LENGTH
    assert share_bar(0.5) == "█" * (BAR_LENGTH // 2) + "·" * (BAR_LENGTH // 2)
    assert share_bar(1e-6).startswith("▏")
    assert share_bar(0.0) == "·" * BAR_LENGTH
