"""Training of command words: it learns, goes on after a stop, logs and tests as people know it."""

import csv
import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from made_words import LABELS, made_config, make_data_set

from firmware_py.errors import SettingsError
from models.settings.config import Config, read_config
from models.settings.schedule import Schedule
from models.training.compilation import _rate
from models.training.loop import TrainingOutcome
from models.training.run import train_in
from models.words.confusion import Confusion
from models.words.task import CommandWords

SHORT = Schedule(
    steps=24,
    last_steps=8,
    last_learning_rate=1e-4,
    batch_size=4,
    repeats=2,
    average_momentum=0.995,
    label_smoothing=0.05,
    evaluation_steps=8,
    checkpoint_steps=8,
    keep_checkpoints=True,
    log_steps=4,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_data_set(folder)
    return folder


def run(
    config: Config, root: Path, out: Path, resume: bool = False, start: Path | None = None
) -> TrainingOutcome:
    with ThreadPoolExecutor(1) as executor:
        task_of = partial(CommandWords, roots=(root,))
        return train_in(out, config, task_of, executor, resume, start=start)


def weights(folder: Path) -> np.ndarray:
    with np.load(folder / "work" / "checkpoint.npz") as arrays:
        names = [name for name in arrays.files if name.startswith("variable")]
        return np.concatenate([arrays[name].ravel() for name in sorted(names)])


def test_run_leaves_what_is_wanted(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "models"):
        run(made_config(SHORT), root, tmp_path / "a")
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("Step #4: rate 0.001000, accuracy ") for line in lines)
    assert any(line.startswith("Step #24: rate 0.000100, accuracy ") for line in lines)
    assert sum(line.startswith("Confusion Matrix:\n") for line in lines) == 4
    assert sum("Validation accuracy = " in line and "(N=" in line for line in lines) == 3
    assert sum(line.startswith("Final test accuracy = ") for line in lines) == 1
    with (tmp_path / "a" / "training.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["8", "16", "24"]
    assert [row["learning_rate"] for row in rows] == ["0.001", "0.001", "0.0001"]
    record = json.loads((tmp_path / "a" / "training.json").read_text())
    assert record["steps"] == 24
    assert record["test"]["labels"] == list(LABELS)
    assert sum(map(sum, record["test"]["confusion"])) == record["test"]["clips"]
    assert read_config(tmp_path / "a" / "config.toml").labels == LABELS
    names = {path.name for path in (tmp_path / "a" / "work").glob("checkpoint*")}
    assert names == {"checkpoint.npz", *(f"checkpoint-{step}.npz" for step in (8, 16, 24))}


def test_stopped_run_ends_as_one_that_was_not(root: Path, tmp_path: Path) -> None:
    config = made_config(SHORT)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(config, root, whole)
    shutil.copytree(whole, stopped)  # as it was when it was killed after step 20
    (stopped / "work/checkpoint-16.npz").replace(stopped / "work/checkpoint.npz")
    run(config, root, stopped, resume=True)
    assert np.array_equal(weights(stopped), weights(whole))
    assert (stopped / "training.csv").read_text() == (whole / "training.csv").read_text()
    run(config, root, tmp_path / "started", start=whole / "work/checkpoint-16.npz")
    assert np.array_equal(weights(tmp_path / "started"), weights(whole))


def test_other_configuration_is_not_resumed(root: Path, tmp_path: Path) -> None:
    config = made_config(replace(SHORT, steps=8))
    run(config, root, tmp_path / "a")
    with pytest.raises(SettingsError, match="was begun with another configuration"):
        run(made_config(SHORT), root, tmp_path / "a", resume=True)
    with pytest.raises(SettingsError, match="there is no such network"):
        run(config, root, tmp_path / "b", start=tmp_path / "none.keras")


def test_early_stopping(root: Path, tmp_path: Path) -> None:
    schedule = Schedule(
        steps=200,
        last_steps=200,
        last_learning_rate=0.0,
        batch_size=2,
        repeats=2,
        evaluation_steps=2,
        patience_evaluations=2,
    )
    outcome = run(made_config(schedule), root, tmp_path)
    assert outcome.steps <= 8
    assert keras.models.load_model(tmp_path / "model.keras", compile=False)


def test_network_learns_tones(root: Path, tmp_path: Path) -> None:
    schedule = Schedule(
        steps=180,
        last_steps=30,
        learning_rate=1e-2,
        last_learning_rate=1e-3,
        batch_size=16,
        repeats=3,
        average_momentum=0.995,
        label_smoothing=0.05,
        evaluation_steps=90,
        checkpoint_steps=180,
    )
    outcome = run(made_config(schedule), root, tmp_path)
    assert outcome.record["validation_accuracy"] > 0.8


def test_rates_of_the_last_steps() -> None:
    rates = _rate(SHORT)
    assert [float(rates(step)) for step in (0, 15, 16, 23)] == pytest.approx(
        [1e-3] * 2 + [1e-4] * 2
    )
    with pytest.raises(SettingsError, match="last_steps is 30; it must be at most steps, 24"):
        replace(SHORT, last_steps=30)


def test_tensorboard_shows_every_step(root: Path, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(made_config(replace(SHORT, steps=8)), root, tmp_path)
    shown = events.EventAccumulator(str(tmp_path / "tensorboard"), {"tensors": 0}).Reload()
    assert [event.step for event in shown.Tensors("accuracy")] == list(range(1, 9))
    assert [event.step for event in shown.Tensors("validation_accuracy")] == [8]


def test_confusion_figures() -> None:
    found = Confusion.of(("a", "b", "c"), [0, 0, 0, 1, 1], [0, 0, 1, 1, 0])
    assert found.counts.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found.accuracy == 0.6
    a, b, c = found.scores()
    assert (a.precision, a.recall, a.count) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 3)
    assert (b.precision, b.recall, b.f1) == (0.5, 0.5, 0.5)
    assert np.isnan([c.precision, c.recall, c.f1]).all()
    assert found.interval == pytest.approx((0.1466, 0.9473), abs=1e-4)
    assert found.mapping()["per_label"]["c"] == {"precision": None, "recall": None, "f1": None}
    assert found.text().splitlines()[1].split() == ["a", "2", "1", "."]
    assert "66.7" in found.table()


def test_a_label_that_was_never_said_or_answered_has_no_figures() -> None:
    found = Confusion.of(("a", "b", "c", "d"), [0, 0, 1], [0, 2, 1])
    figures = {each.label: (each.precision, each.recall, each.f1) for each in found.scores()}
    assert figures["a"] == pytest.approx((1.0, 0.5, 2 / 3))
    assert figures["c"] == pytest.approx((0.0, np.nan, 0.0), nan_ok=True)
    assert figures["d"] == pytest.approx((np.nan, np.nan, np.nan), nan_ok=True)
    assert found.mapping()["per_label"]["d"] == {"precision": None, "recall": None, "f1": None}


def test_nothing_to_judge_is_one_line() -> None:
    with pytest.raises(SettingsError, match="there are no clips to judge"):
        Confusion.of(("a", "b"), [], [])


def test_picture_shows_every_count() -> None:
    figure = Confusion.of(("yes", "no"), [0, 0, 1], [0, 1, 1]).picture("made")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["1", "1", "1"]
    ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert ticks == ["yes", "no"]
