"""python -m convert: what it writes, prints and refuses."""

import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from made_networks import LOG_MEL, SMALL, made_network, write_config

from convert.__main__ import main
from convert.material import frames, made_audio
from firmware_py.artefact import read_artefact
from firmware_py.front_end import FrontEnd
from firmware_py.interpreter import installed_runtimes
from models.settings.config import REFERENCE_CONFIG, read_config
from models.settings.network import Network

FRAMES = np.random.default_rng(4).normal(size=(400, 24)).astype(np.float32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    made_network(SMALL, FRAMES).save(folder / "model.keras")
    write_config(folder, LOG_MEL, SMALL)
    return folder / "model.keras"


def test_command_writes_and_reports(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tflite"
    command = [sys.executable, "-m", "convert", str(trained), "-o", str(out), "--steps", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, *others = done.stdout.splitlines()
    assert first == f"{out}: float32, {out.stat().st_size:,} bytes, checked on 60 s of audio"
    assert [line.split()[0] for line in others] == installed_runtimes()
    assert all("0 of 1997 posteriors across 0.5" in line for line in others)
    assert done.stderr.splitlines() == [
        f"reading {trained}",
        "converting to float32, 5 steps per call",
        "streaming 60 s of audio through it",
    ]
    assert read_artefact(out).metadata.network.steps_per_call == 5
    assert out.stat().st_mode == trained.with_name("config.toml").stat().st_mode


def test_help_names_every_mode_without_tensorflow() -> None:
    code = "import sys; sys.modules['tensorflow'] = None; from convert.__main__ import main; main()"
    command = [sys.executable, "-c", code, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for mode in ("float32", "float16", "weight-int8", "dynamic-int8", "int8", "int16x8"):
        assert f"\n  {mode} " in done.stdout


def test_reference_weights_bring_their_front_end(tmp_path: Path) -> None:
    front_end = read_config(REFERENCE_CONFIG).front_end
    seen = frames(front_end, made_audio(44100, seed=9)[: 30 * 44100])
    made_network(Network(), seen).save_weights(tmp_path / "w.weights.h5")
    out = tmp_path / "out.tflite"
    assert main([str(tmp_path / "w.weights.h5"), "-o", str(out), "--architecture=reference"]) == 0
    metadata = read_artefact(out).metadata
    assert metadata.front_end.clip_level
    assert metadata.front_end.clip_level.target_dbfs == -20.0
    assert metadata.front_end.sample_rate_hz == 44100
    assert metadata.trigger.threshold == 0.5
    assert metadata.network.steps_per_call == 11


def assert_refused(
    arguments: list[str | Path], message: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The command ends with 2 and one line that holds `message`, and leaves nothing behind."""
    before = sorted(folder.iterdir())
    assert main([*map(str, arguments), "-o", str(folder / "out.tflite")]) == 2
    *progress, line = capfd.readouterr().err.splitlines()
    assert len(progress) <= 1
    assert message in line
    assert sorted(folder.iterdir()) == before


def test_models_that_are_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_config(tmp_path, LOG_MEL, SMALL)
    (tmp_path / "text.keras").write_text("not a model")
    (tmp_path / "empty.h5").touch()
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["conv1d/conv1d/bias:0"] = np.zeros(3)
    (tmp_path / "zip.keras").write_bytes(b"PK\x05\x06" + bytes(18))
    for name, message in {
        "missing.keras": "there is no such file; check the path",
        ".": "this is a folder; name the .keras or .h5 file in it",
        "text.keras": "this is not a Keras model; save it as .keras or .h5",
        "empty.h5": "this is not a Keras model",
        "weights.h5": "weights only; name the network they belong to with: --architecture",
        "zip.keras": "this cannot be read as a network",
    }.items():
        assert_refused([tmp_path / name], message, tmp_path, capfd)


def test_configurations_that_do_not_fit(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "model.keras"
    alone.write_bytes(trained.read_bytes())
    message = "there is no config.toml beside it to tell its labels and front end; name one with"
    assert_refused([alone], message, tmp_path, capfd)
    assert_refused([alone, "--config", tmp_path / "none.toml"], "cannot read", tmp_path, capfd)
    message = "no architecture 'refernce'; choose one of reference, activate"
    assert_refused([alone, "--architecture=refernce"], message, tmp_path, capfd)
    message = "feature bins are 24, but the configuration 'activate-reference' says 101"
    assert_refused([alone, "--architecture=reference"], message, tmp_path, capfd)

    wide = FrontEnd(sample_rate_hz=16000, window_length=400, hop_length=160, num_mel_bins=40)
    for front_end, network, labels, message in (
        (wide, SMALL, ("word",), "feature bins are 24, but the configuration 'made' says 40"),
        (LOG_MEL, SMALL, ("one", "two"), "labels are 1, but"),
        (LOG_MEL, Network(24, 8, 2, (20, 16)), ("word",), "stride are 3, but"),
        (LOG_MEL, Network(24, 8, 3, (20,)), ("word",), "GRU units are (20, 16), but"),
        (LOG_MEL, Network(24, 8, 3, (20, 16), head="softmax"), ("word",), "head are sigmoid, but"),
    ):
        write_config(tmp_path, front_end, network, labels)
        assert_refused([alone], message, tmp_path, capfd)


def test_records_that_are_no_records(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.keras").write_bytes(trained.read_bytes())
    write_config(tmp_path, LOG_MEL, SMALL)
    for content in ("{", "[1]"):
        (tmp_path / "training.json").write_text(content)
        main([str(tmp_path / "model.keras"), "-o", str(tmp_path / "out.tflite")])
        line = capfd.readouterr().err.splitlines()[-1]
        assert "training.json: this is not" in line


def test_places_that_cannot_be_written(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(trained), "-o", str(tmp_path / "none" / "out.tflite")]) == 2
    assert "there is no folder" in capfd.readouterr().err.splitlines()[-1]
    assert main([str(trained), "-o", str(tmp_path)]) == 2
    assert "this is a folder" in capfd.readouterr().err.splitlines()[-1]


def test_audio_that_is_none(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.wav").write_text("no audio")
    message = "notes.wav: no recording in a known format"
    assert_refused([trained, "--parity-audio", tmp_path / "notes.wav"], message, tmp_path, capfd)


def test_failed_gate_is_one_line_and_exit_1(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Raw power spectra do not survive integers of 8 bits."""
    front_end = FrontEnd(sample_rate_hz=16000, window_length=200, hop_length=80, scaling="psd")
    network = Network(8, 6, 3, (12,))
    model = made_network(network, frames(front_end, made_audio(16000, seed=9)))
    model.save(tmp_path / "model.keras")
    write_config(tmp_path, front_end, network)
    out = tmp_path / "out.tflite"
    assert main([str(tmp_path / "model.keras"), "-o", str(out), "--mode=int8"]) == 1
    line = capfd.readouterr().err.splitlines()[-1]
    assert line.startswith("python -m convert: int8 fails the parity gate on ")
    assert line.endswith("; choose another --mode; nothing is written; --mode float16 passes")
    assert not out.exists()


@pytest.mark.parametrize("steps", ["0", "-1", "two"])
def test_steps_that_are_none(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["m.keras", "-o", "o.tflite", f"--steps={steps}"])
    assert stop.value.code == 2
    assert f"{steps!r} is not a number of steps; give 1 or more" in capsys.readouterr().err


def test_network_that_cannot_be_streamed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    layers = [keras.Input((30, 24)), keras.layers.LSTM(4)]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    write_config(tmp_path, LOG_MEL, SMALL)
    message = "model.keras: the network has LSTM 'lstm"
    assert_refused([tmp_path / "model.keras"], message, tmp_path, capfd)
