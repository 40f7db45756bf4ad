"""Streaming the artefact equals the offline network, whatever the chunks; the gate says no."""

import wave
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from made_networks import LOG_MEL, SMALL, made_network, write_config

from convert import parity as gate
from convert.conversion import convert
from convert.errors import ParityError
from convert.material import audio_from_files, audio_paths, frames, gain_db, made_audio
from convert.parity import ParityReport, RuntimeParity, compare, offline_posteriors
from convert.reading.trained import read_trained
from convert.replay import RANDOM_CHUNKS, replay
from firmware_py.artefact import Mode
from firmware_py.errors import ArtefactError, AudioError, MissingToolError
from firmware_py.front_end import FrontEnd
from firmware_py.interpreter import Runtime, installed_runtimes
from models.settings.config import REFERENCE_CONFIG, read_config
from models.settings.network import Network


class Case(NamedTuple):
    """An artefact, audio, and what the offline network says to it."""

    artefact: Path
    front_end: FrontEnd
    audio: np.ndarray
    expected: np.ndarray


def case(folder: Path, front_end: FrontEnd, network: Network) -> Case:
    """Return a float32 artefact of a made network with a minute of audio."""
    audio = made_audio(front_end.sample_rate_hz, seed=1)
    seen = frames(front_end, made_audio(front_end.sample_rate_hz, seed=9))[::2]
    made_network(network, seen).save(folder / "model.keras")
    config = write_config(folder, front_end, network)
    convert(folder / "model.keras", folder / "out.tflite")
    model = read_trained(folder / "model.keras", config).model
    expected = offline_posteriors(model, frames(front_end, audio))
    return Case(folder / "out.tflite", front_end, audio, expected)


@pytest.fixture(scope="module", params=[True, False], ids=["reset after", "reset before"])
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    config = read_config(REFERENCE_CONFIG)
    network = replace(config.network, reset_after=request.param)
    return case(tmp_path_factory.mktemp("reference"), config.front_end, network)


@pytest.fixture(scope="module")
def log_mel(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case(tmp_path_factory.mktemp("log_mel"), LOG_MEL, SMALL)


CHUNKS = [79, 80, 81, 4096, RANDOM_CHUNKS]


@pytest.mark.parametrize("runtime", installed_runtimes())
@pytest.mark.parametrize("chunk_length", CHUNKS)
def test_reference_streams_as_offline(reference: Case, runtime: Runtime, chunk_length: int) -> None:
    assert_streams_as_offline(reference, runtime, chunk_length)


@pytest.mark.parametrize("runtime", installed_runtimes())
@pytest.mark.parametrize("chunk_length", CHUNKS)
def test_log_mel_streams_as_offline(log_mel: Case, runtime: Runtime, chunk_length: int) -> None:
    assert_streams_as_offline(log_mel, runtime, chunk_length)


def assert_streams_as_offline(case: Case, runtime: Runtime, chunk_length: int) -> None:
    gain = gain_db(case.front_end, case.audio)
    found = replay(case.artefact, case.audio, runtime, chunk_length=chunk_length, gain_db=gain)
    assert found.shape == case.expected.shape
    assert 0.001 < (case.expected > 0.5).mean() < 0.5
    np.testing.assert_allclose(found, case.expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_single_samples_stream_as_offline(log_mel: Case, runtime: Runtime) -> None:
    audio = log_mel.audio[:32000]
    num_steps = SMALL.num_steps(LOG_MEL.num_frames(len(audio)))
    found = replay(log_mel.artefact, audio, runtime, chunk_length=1)
    assert len(found) == num_steps
    np.testing.assert_allclose(found, log_mel.expected[:num_steps], rtol=0, atol=1e-5)


def test_clip_level_without_gain_is_refused(tmp_path: Path) -> None:
    config = read_config(REFERENCE_CONFIG)
    network = Network(4, 15, 4, (4,))
    seen = frames(config.front_end, made_audio(44100, seed=9)[:88200])
    made_network(network, seen).save(tmp_path / "model.keras")
    write_config(tmp_path, config.front_end, network)
    convert(tmp_path / "model.keras", tmp_path / "out.tflite")
    with pytest.raises(ArtefactError, match="needs the level of the whole clip"):
        replay(tmp_path / "out.tflite", np.ones(4410, np.int16), installed_runtimes()[0])


def test_compare_counts_what_differs() -> None:
    expected = np.array([[0.1], [0.6], [0.5], [0.9]], np.float32)
    found = np.array([[0.1], [0.4], [0.51], [0.95]], np.float32)
    parity = compare("tflite-runtime", expected, found)
    assert parity.maximum_difference == pytest.approx(0.2)
    assert (parity.num_posteriors, parity.num_above, parity.num_flipped) == (4, 2, 2)
    with pytest.raises(ParityError, match=r"gave 3 x 1 posteriors .* gives 4 x 1"):
        compare("tflite-runtime", expected, found[:3])


@pytest.mark.parametrize(
    ("mode", "difference", "above", "flipped", "fault"),
    [
        ("float32", 9e-6, 50, 0, None),
        ("float32", 1.1e-5, 50, 0, "differ by up to 1.1e-05, the limit is 1e-05"),
        ("weight-int8", 0.011, 50, 0, "the limit is 0.01"),
        ("dynamic-int8", float("nan"), 50, 0, "not numbers"),
        ("int8", 0.4, 50, 10, None),
        ("int8", 0.4, 50, 11, "11 of 1000 .* the limit is 10 where 50 are above it"),
        ("int16x8", 0.4, 8, 5, "5 of 1000 .* the limit is 4 where 8 are above it"),
        ("int8", 0.1, 0, 0, "never passes 0.5 .* --parity-audio"),
        ("int8", float("nan"), 50, 0, "not numbers"),
    ],
)
def test_gate(mode: Mode, difference: float, above: int, flipped: int, fault: str | None) -> None:
    good = RuntimeParity("ai-edge-litert", 1000, 0.0, 50, 0)
    parity = RuntimeParity("tflite-runtime", 1000, difference, above, flipped)
    report = ParityReport(mode, 60.0, (good, parity))
    if fault is None:
        report.check()
        return
    with pytest.raises(ParityError, match=f"{mode} fails .* on tflite-runtime: .*{fault}"):
        report.check()


def test_no_interpreter(log_mel: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "installed_runtimes", list)
    with pytest.raises(MissingToolError, match="pip install ai-edge-litert"):
        convert_again(log_mel, tmp_path)
    assert not list(tmp_path.iterdir())


def test_failing_gate_writes_nothing(
    log_mel: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MAXIMUM_DIFFERENCE", {"float32": 1e-12})
    (tmp_path / "out.tflite").write_bytes(b"the one before")
    with pytest.raises(ParityError, match=r"the limit is 1e-12; .*; nothing is written"):
        convert_again(log_mel, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out.tflite"]
    assert (tmp_path / "out.tflite").read_bytes() == b"the one before"


def convert_again(case: Case, folder: Path) -> ParityReport:
    return convert(case.artefact.with_name("model.keras"), folder / "out.tflite")


def test_made_audio_is_a_minute_of_everything() -> None:
    audio = made_audio(16000, seed=1)
    np.testing.assert_array_equal(audio, made_audio(16000, seed=1))
    assert not np.array_equal(audio, made_audio(16000, seed=2))
    assert len(audio) == 60 * 16000
    seconds = np.abs(audio.reshape(60, 16000).astype(int)).max(axis=1)
    assert seconds.max() > 3000
    assert (seconds == 0).any()
    assert (np.abs(audio) < 32767).mean() > 0.999


def test_audio_of_files_fills_a_minute(tmp_path: Path) -> None:
    for name, rate_hz in (("b.wav", 16000), ("a.wav", 8000)):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, rate_hz, 0, "NONE", ""))
            file.writeframes(np.full(rate_hz, rate_hz // 10, np.int16).tobytes())
    (tmp_path / "notes.txt").write_text("no audio")
    paths = audio_paths([tmp_path])
    assert [path.name for path in paths] == ["a.wav", "b.wav"]
    audio = audio_from_files(paths, 16000)
    assert len(audio) == 60 * 16000
    assert np.median(audio.reshape(60, 16000)[:4], axis=1).tolist() == [800, 1600, 800, 1600]
    with pytest.raises(AudioError, match=r"notes\.txt"):
        audio_from_files([tmp_path / "notes.txt"], 16000)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match="no recordings"):
        audio_from_files(audio_paths([tmp_path / "empty"]), 16000)
