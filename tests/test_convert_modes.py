"""Every mode on every installed interpreter, against Keras."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest
from made_networks import LOG_MEL, SMALL, made_network, write_config

from convert.conversion import convert
from convert.material import frames, made_audio
from convert.parity import MAXIMUM_DIFFERENCE, MAXIMUM_FLIP_RATE
from convert.weight_int8.quantised_file import quantise_channels
from firmware_py.artefact import Artefact, Mode, read_artefact
from firmware_py.interpreter import installed_runtimes
from models.settings.network import Network


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a small trained network with its configuration and records."""
    folder = tmp_path_factory.mktemp("trained")
    made_network(SMALL, frames(LOG_MEL, made_audio(16000, seed=9))).save(folder / "model.keras")
    write_config(folder, LOG_MEL, SMALL)
    (folder / "training.json").write_text('{"steps": 60, "sources": [{"path": "near"}]}')
    return folder / "model.keras"


@pytest.mark.parametrize("mode", get_args(Mode))
def test_mode_is_within_its_limit(trained: Path, tmp_path: Path, mode: Mode) -> None:
    report = convert(trained, tmp_path / "out.tflite", mode=mode)
    assert report.seconds >= 60.0
    assert [parity.runtime for parity in report.runtimes] == installed_runtimes()
    for parity in report.runtimes:
        assert parity.num_posteriors == 1997
        assert 20 < parity.num_above < 400
        if mode in MAXIMUM_DIFFERENCE:
            assert parity.maximum_difference <= MAXIMUM_DIFFERENCE[mode]
        else:
            assert parity.num_flipped <= MAXIMUM_FLIP_RATE * parity.num_posteriors
    artefact = read_artefact(tmp_path / "out.tflite")
    assert artefact.metadata.mode == mode
    assert artefact.metadata.name == "made"
    assert artefact.metadata.training == {"steps": 60, "sources": [{"path": "near"}]}
    assert artefact.metadata.network.steps_per_call == 2  # 60 ms; three would be 90
    assert [path.name for path in tmp_path.iterdir()] == ["out.tflite"]


@pytest.mark.parametrize("mode", ["weight-int8", "dynamic-int8", "int8"])
def test_modes_of_the_other_gru(tmp_path: Path, mode: Mode) -> None:
    network = replace(SMALL, reset_after=False)
    made_network(network, frames(LOG_MEL, made_audio(16000, seed=9))).save(tmp_path / "m.keras")
    write_config(tmp_path, LOG_MEL, network)
    report = convert(tmp_path / "m.keras", tmp_path / "out.tflite", mode=mode)
    assert all(parity.num_above for parity in report.runtimes)


def converted(trained: Path, out: Path, mode: Mode, num_steps: int = 3) -> Artefact:
    convert(trained, out, mode=mode, num_steps=num_steps)
    return read_artefact(out)


@pytest.mark.parametrize("mode", ["weight-int8", "int8"])
def test_same_inputs_give_the_same_bytes(trained: Path, tmp_path: Path, mode: Mode) -> None:
    first = converted(trained, tmp_path / "a.tflite", mode)
    second = converted(trained, tmp_path / "b.tflite", mode)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_weights_in_eight_bits_are_a_quarter(tmp_path: Path) -> None:
    """The large constants shrink to a quarter; what is left is the graph."""
    network = Network(filters=96, kernel_size=11, stride=4, gru_units=(96,))
    frames_seen = frames(LOG_MEL, made_audio(16000, seed=9))[:2000]
    made_network(network, frames_seen).save(tmp_path / "model.keras")
    write_config(tmp_path, LOG_MEL, network)
    full = converted(tmp_path / "model.keras", tmp_path / "a.tflite", "float32")
    small = converted(tmp_path / "model.keras", tmp_path / "b.tflite", "weight-int8")
    num_weights = 11 * 24 * 96 + 2 * 96 * 288
    saved = len(full.flatbuffer) - len(small.flatbuffer)
    assert 0.9 * 3 * num_weights < saved < 3 * num_weights


def test_channels_round_to_their_own_scale() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(5, 3, 7)) * np.logspace(-6, 3, 5)[:, None, None]
    weights[2] = 0.0
    quantised, scales = quantise_channels(weights.astype(np.float32))
    assert quantised.dtype == np.int8
    error = np.abs(quantised * scales[:, None, None] - weights)
    assert (error <= 0.5001 * scales[:, None, None]).all()
    assert np.abs(quantised).max(axis=(1, 2)).tolist() == [127, 127, 0, 127, 127]


def test_labels_and_head_of_several_words(tmp_path: Path) -> None:
    network = Network(filters=16, kernel_size=6, stride=2, gru_units=(12,), head="softmax")
    seen = frames(LOG_MEL, made_audio(16000, seed=9))[:2000]
    model = made_network(network, seen, num_labels=3)
    # Written for clips of one length, as a training at a fixed length does.
    fixed = keras.Sequential([keras.Input((398, 24)), *model.layers])
    fixed.save(tmp_path / "model.keras")
    write_config(tmp_path, LOG_MEL, network, ("silence", "yes", "no"))
    report = convert(tmp_path / "model.keras", tmp_path / "out.tflite")
    artefact = read_artefact(tmp_path / "out.tflite")
    assert artefact.metadata.labels == ("silence", "yes", "no")
    assert artefact.metadata.network.steps_per_call == 4
    for parity in report.runtimes:
        assert parity.num_posteriors == 3 * 2997
