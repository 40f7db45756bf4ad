"""Training on small made folders: it learns, it resumes exactly, its files are whole."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import tomli_w  # noqa: E402
from test_clips import dialogue, folders  # noqa: E402, F401

from firmware_py.errors import SettingsError  # noqa: E402
from firmware_py.schema import to_mapping  # noqa: E402
from models.settings.config import read_config  # noqa: E402
from models.settings.schedule import BOUNDS, Schedule  # noqa: E402
from models.training import checkpoint  # noqa: E402
from models.training.log import read_log  # noqa: E402
from models.training.loop import train, with_normalisation  # noqa: E402
from models.training.run_folder import with_normalisation_of  # noqa: E402
from models.training.trigger_words import TriggerWords  # noqa: E402

SCHEDULE = Schedule(
    steps=12,
    batch_size=4,
    repeats=2,
    warm_up_steps=2,
    checkpoint_steps=5,
    evaluation_steps=6,
    development_clips=12,
    average_momentum=0.9,
)


def run(config, roots, folder, resume=False, **more):
    folder.mkdir(exist_ok=True)
    with ThreadPoolExecutor(1) as executor:
        return train(TriggerWords(config, roots), folder, executor, resume, **more)


def stored(folder):
    with np.load(folder / "work" / "checkpoint.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def config(folders):
    with ThreadPoolExecutor(1) as executor:
        task = TriggerWords(replace(dialogue(), schedule=SCHEDULE), (folders,))
        return with_normalisation(task, executor)


@pytest.fixture(scope="module")
def whole(config, folders, tmp_path_factory):
    """The folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(config, (folders,), folder).steps == 12
    return folder


def test_normalised_frames_have_mean_0_and_deviation_1(config, folders):
    from models.clips.batches import clip_maker

    maker = clip_maker(config, [folders])
    frames = np.concatenate([maker.make(1, index).frames for index in range(256)])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=0.05)


def test_a_stopped_run_resumes_to_the_same_weights(
    config,
    folders,
    whole,
    tmp_path,
):
    half = replace(config, schedule=replace(SCHEDULE, checkpoint_steps=7))

    class StoppedError(Exception):
        pass

    original = checkpoint.save

    def save_and_stop(path, model, progress):
        original(path, model, progress)
        raise StoppedError

    checkpoint.save = save_and_stop
    try:
        with pytest.raises(StoppedError):
            run(half, (folders,), tmp_path / "half")
    finally:
        checkpoint.save = original
    resumed = run(half, (folders,), tmp_path / "half", resume=True)
    assert resumed.steps == 12
    ours, theirs = stored(tmp_path / "half"), stored(whole)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_the_step_it_is_at(config, folders, whole, tmp_path, sent):
    seldom = replace(config, schedule=replace(SCHEDULE, checkpoint_steps=10_000))
    asked = []

    def ask(_seconds):
        asked.append(sent)
        if len(asked) == 3:
            signal.raise_signal(sent)
        return ""

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    if sent == signal.SIGINT and before[0] == signal.SIG_IGN:
        pytest.skip("SIGINT is ignored here, as behind `&` in a script, and stays so")
    with pytest.raises(KeyboardInterrupt, match="kept at step 3"):
        run(seldom, (folders,), tmp_path, remark=ask)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert stored(tmp_path)["progress"][0] == 3
    assert run(seldom, (folders,), tmp_path, resume=True).steps == 12
    ours, theirs = stored(tmp_path), stored(whole)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_it_learns_to_tell_the_tones_apart(config, folders, tmp_path):
    schedule = replace(
        SCHEDULE,
        steps=160,
        batch_size=16,
        learning_rate=1e-2,
        repeats=4,
        evaluation_steps=80,
        development_clips=48,
    )
    network = replace(config.network, filters=16, gru_units=(16,), dropout=0.0)
    config = replace(config, schedule=schedule, network=network)
    outcome = run(config, (folders,), tmp_path)
    assert outcome.record["development"]["words"] > 10
    assert outcome.error < 0.6
    with (tmp_path / "training.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [80, 160]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    model = keras.models.load_model(tmp_path / "model.keras")
    assert model.output_shape == (None, None, 1)


def test_tensorboard_shows_every_step(whole):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    shown = events.EventAccumulator(str(whole / "tensorboard"), {"tensors": 0}).Reload()
    assert set(shown.Tags()["tensors"]) == {"loss", "learning_rate", "mean_miss_rate"}
    assert [event.step for event in shown.Tensors("loss")] == list(range(1, 13))
    assert [event.step for event in shown.Tensors("mean_miss_rate")] == [6, 12]


def test_a_resumed_run_writes_no_row_twice(config, folders, whole, tmp_path):
    shutil.copy(whole / "training.csv", tmp_path)
    arrays = stored(whole)
    arrays["progress"][0] = 10  # as if it had been killed before the last checkpoint
    (tmp_path / "work").mkdir()
    np.savez(tmp_path / "work" / "checkpoint.npz", **arrays)
    run(config, (folders,), tmp_path, resume=True)
    assert [int(row["step"]) for row in read_log(tmp_path)] == [6, 12]


def test_a_run_resumed_at_its_end_says_what_it_said(config, folders, whole, tmp_path):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    outcome = run(config, (folders,), tmp_path, resume=True)
    judged = outcome.record["development"]
    assert judged["words"] > 0
    assert judged["hours"] == pytest.approx(
        config.schedule.development_clips * config.recipe.clip_seconds / 3600, abs=1e-3
    )
    assert outcome.error == stored(whole)["progress"][1]


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [-1, 10**10, float("nan")])
def test_a_schedule_that_cannot_be_kept_is_refused(name, value):
    with pytest.raises(SettingsError, match=f"^{name} is {value}; it must be from "):
        Schedule(**{name: value})


def test_every_number_of_a_schedule_has_bounds():
    numbers = [
        field.name for field in fields(Schedule) if field.type in ("int", "float", int, float)
    ]
    assert sorted(BOUNDS) == sorted(numbers)


def test_fine_tuning_keeps_the_statistics_and_moves_the_weights(
    config,
    folders,
    whole,
    tmp_path,
):
    start = whole / "model.keras"
    with ThreadPoolExecutor(1) as executor:
        train(TriggerWords(config, (folders,)), tmp_path, executor, False, start=start)
    before = keras.models.load_model(start, compile=False)
    after = keras.models.load_model(tmp_path / "model.keras", compile=False)
    for old, new in zip(before.layers, after.layers, strict=True):
        normalisation = isinstance(old, keras.layers.BatchNormalization)
        for first, second in zip(old.get_weights(), new.get_weights(), strict=True):
            assert np.array_equal(first, second) == normalisation
    with ThreadPoolExecutor(1) as executor:  # gone on with, as after a stop
        again = train(TriggerWords(config, (folders,)), tmp_path, executor, True, start=start)
    assert again.steps == 12
    other = replace(config, network=replace(config.network, gru_units=(5,)))
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(SettingsError, match="cannot start from this network"),
    ):
        train(TriggerWords(other, (folders,)), tmp_path, executor, False, start=start)


def test_fine_tuning_keeps_the_normalisation_of_its_start(config, tmp_path):
    (tmp_path / "config.toml").write_text(tomli_w.dumps(to_mapping(config)))
    bare = replace(config, front_end=replace(config.front_end, mean=(), deviation=()))
    assert config.front_end.mean
    assert with_normalisation_of(bare, tmp_path / "model.keras") == config
    assert with_normalisation_of(bare, tmp_path / "elsewhere" / "model.keras") == bare
    own = replace(config, front_end=replace(config.front_end, mean=(0.0,) * 20))
    assert with_normalisation_of(own, tmp_path / "model.keras") == own


def test_a_checkpoint_of_another_network_is_refused(
    config,
    folders,
    whole,
    tmp_path,
):
    shutil.copytree(whole / "work", tmp_path / "work")
    other = replace(config, network=replace(config.network, gru_units=(5,)))
    with pytest.raises(SettingsError, match="another network"):
        run(other, (folders,), tmp_path, resume=True)


@pytest.mark.slow
def test_ten_kills_at_random_moments(config, folders, tmp_path):
    """SIGKILL at random moments: it resumes, and no checkpoint is ever unreadable."""
    schedule = replace(SCHEDULE, steps=400, checkpoint_steps=3, evaluation_steps=50)
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(to_mapping(replace(config, schedule=schedule))))
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "models",
        "train",
        str(path),
        "--data",
        str(folders),
        "--out",
        str(out),
        "--resume",
    ]
    rng = np.random.default_rng(0)
    for _ in range(10):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(rng.uniform(8, 20))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if (out / "work" / "checkpoint.npz").exists():
            assert stored(out)["progress"][0] > 0
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1000)
    assert done.returncode == 0, done.stderr
    assert stored(out)["progress"][0] == 400
    assert read_config(out / "config.toml").schedule.steps == 400
