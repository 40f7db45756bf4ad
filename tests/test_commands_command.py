"""Several words through the commands of the device and of `python -m models words`."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import tomli_w
from made_words import FRONT_END, LABELS, NETWORK, RATE, made_config, make_data_set

from convert.conversion import convert
from convert.material import frames, made_audio
from firmware_py.artefact import read_artefact
from firmware_py.interpreter import installed_runtimes
from firmware_py.policies.command_words import CommandPolicy, CommandTrigger
from firmware_py.schema import to_mapping
from models.training.architecture import offline_model

POLICY = CommandPolicy(threshold=0.4, average_window_ms=80.0, suppression_ms=200.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set, an artefact of a random network that answers all labels, and a recording."""
    folder = tmp_path_factory.mktemp("words")
    make_data_set(folder)
    keras.utils.set_random_seed(0)
    model = offline_model(NETWORK, FRONT_END.num_bins, len(LABELS))
    audio = made_audio(RATE, seed=2)[: 40 * RATE]
    *_, (kernel, bias) = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    head = model.layers[-1]
    before = keras.Model(model.inputs[0], model.layers[-2].output)
    logits = before(frames(FRONT_END, audio)[None]).numpy()[0] @ kernel
    scale = 3.0 / logits.std(axis=0)
    head.set_weights([kernel * scale, bias - (logits * scale).mean(axis=0)])
    model.save(folder / "model.keras")
    config = replace(made_config(), trigger=POLICY)
    (folder / "config.toml").write_text(tomli_w.dumps(to_mapping(config)))
    convert(folder / "model.keras", folder / "made.tflite", num_steps=2)
    soundfile.write(folder / "audio.wav", audio, RATE)
    return folder


def ran(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own: tflite-runtime does not work beside TensorFlow."""
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def lines(*arguments: str | Path) -> list[dict[str, object]]:
    done = ran(*arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_detect_tells_the_label_of_each(folder: Path) -> None:
    found = lines(
        "firmware_py",
        "detect",
        folder / "audio.wav",
        "--model",
        folder / "made.tflite",
        "--json",
        "--posteriors",
        folder / "p.npy",
    )
    posteriors = np.load(folder / "p.npy")
    assert np.allclose(posteriors.sum(axis=1), 1.0, atol=1e-5)
    metadata = read_artefact(folder / "made.tflite").metadata
    trigger = CommandTrigger(POLICY, LABELS, metadata.step_seconds)
    expected = [
        (LABELS[label], pytest.approx(metadata.step_end_seconds(step)), pytest.approx(score))
        for step, label, score in trigger.process(posteriors.tolist())
    ]
    assert [(d["label"], d["time_seconds"], d["score"]) for d in found] == expected
    assert {d["label"] for d in found} == {"yes", "no"}


def test_show_and_bench_know_the_policy(folder: Path) -> None:
    done = ran("firmware_py", "show", folder / "made.tflite")
    assert ["hears", "yes,", "no"] in [line.split() for line in done.stdout.splitlines()]
    assert "the likeliest word above 0.4 (mean of 80 ms, each 40 ms" in done.stdout
    reports = lines(
        "firmware_py",
        "bench",
        folder / "made.tflite",
        "--audio",
        folder / "audio.wav",
        "--seconds",
        "5",
        "--json",
    )
    assert [report["runtime"] for report in reports] == installed_runtimes()


def test_judge_counts_every_clip_alike_on_both_runtimes(folder: Path) -> None:
    found = lines(
        "models",
        "words",
        "judge",
        folder / "made.tflite",
        "--config",
        folder / "config.toml",
        "--data",
        folder,
        "--part",
        "training",
        "--json",
        "--picture",
        folder / "c.png",
    )
    assert [each["runtime"] for each in found] == installed_runtimes()
    confusions = [each["confusion"] for each in found]
    assert all(np.array_equal(each, confusions[0]) for each in confusions)
    counts = np.array(confusions[0])
    assert counts.sum() == found[0]["clips"]
    assert (counts.sum(axis=1) > 0).all()


def test_stream_test_and_tune(folder: Path) -> None:
    wav = folder / "stream.wav"
    done = ran(
        "models",
        "words",
        "stream",
        folder / "config.toml",
        "--data",
        folder,
        "--out",
        wav,
        "--part",
        "training",
        "--minutes",
        "0.6",
    )
    assert done.stdout.splitlines() == [str(wav), str(wav.with_suffix(".txt"))]
    (found,) = lines(
        "models",
        "words",
        "test",
        folder / "made.tflite",
        wav,
        "--json",
        "--picture",
        folder / "t.png",
    )
    assert found["words"] == sum(
        not line.startswith("_unknown_")
        for line in wav.with_suffix(".txt").read_text().splitlines()
    )
    assert found["matched"] + found["wrong"] <= found["words"]
    assert len(found["curve"]) == 19
    (tuned,) = lines("models", "words", "tune", folder / "made.tflite", wav, "--json", "--write")
    metadata = read_artefact(folder / "made.tflite").metadata
    assert to_mapping(metadata.trigger) == tuned["policy"]
    assert metadata.evaluation["tuning"]["matched"] == tuned["matched"]
    (again,) = lines("models", "words", "test", folder / "made.tflite", wav, "--json")
    assert (again["matched"], again["wrong"]) == (tuned["matched"], tuned["wrong"])


def test_bars_of_one_clip(folder: Path) -> None:
    clip = sorted((folder / "speech_commands" / "yes").iterdir())[0]
    done = ran(
        "models",
        "words",
        "bars",
        clip,
        "--model",
        folder / "made.tflite",
        "--out",
        folder / "b.png",
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == list(LABELS)
    assert sum(row[-1] == "<" for row in rows) == 1
    assert (folder / "b.png").stat().st_size > 5000


def test_bad_use_is_one_line(folder: Path) -> None:
    activate = Path(__file__).parent / "data" / "beep.tflite"
    for arguments, message in (
        (
            ("test", activate, folder / "audio.wav", folder / "config.toml"),
            "python -m models evaluate",
        ),
        (("stream", folder / "config.toml", "--data", folder, "--out", "x.mp3"), "is no .wav file"),
        (("stream", folder / "config.toml", "--out", folder / "x.wav"), "no folder"),
        (
            (
                "stream",
                folder / "config.toml",
                "--data",
                folder,
                "--part",
                "training",
                "--minutes",
                "0.6",
                "--out",
                folder / "missing" / "x.wav",
            ),
            "missing/x.wav",
        ),
    ):
        done = ran("models", "words", *arguments)
        assert done.returncode == 2
        assert message in done.stderr.splitlines()[-1]
