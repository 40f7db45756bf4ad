"""A second stage converted: packed with its numbers, equal to Keras offline and in the stream."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from made_networks import (
    LOG_MEL,
    SMALL,
    made_incremental_verifier,
    made_network,
    made_verifier,
    write_config,
)

from convert.__main__ import main
from convert.conversion import convert
from convert.errors import ParityError
from convert.material import frames, made_audio
from convert.parity import offline_posteriors
from convert.reading.trained import read_trained
from convert.verifier import VerifierChoice, VerifierModule
from firmware_py.artefact import Mode, read_artefact
from firmware_py.interpreter import Runtime, installed_runtimes
from firmware_py.policies.candidates import Candidates, LookPolicy

LENGTH = 60
SEEN = frames(LOG_MEL, made_audio(16000, seed=9)[::2])
LABELS = ("word", "other")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both stages of two labels."""
    folder = tmp_path_factory.mktemp("trained")
    made_network(SMALL, SEEN, len(LABELS)).save(folder / "model.keras")
    made_verifier(SEEN, LENGTH, len(LABELS)).save(folder / "verifier.keras")
    made_incremental_verifier(SEEN, LENGTH, len(LABELS)).save(folder / "incremental.keras")
    config = write_config(folder, LOG_MEL, SMALL, LABELS)
    config.write_text(f"{config.read_text()}\n[verifier]\npeak = 7\nlooks = 5\n")
    return folder


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *(("verifier", mode) for mode in ("float16", "dynamic-int8", "int8")),
        *(("incremental", mode) for mode in ("float32", "weight-int8", "dynamic-int8")),
    ],
)
def test_each_mode_passes_the_gate(trained: Path, tmp_path: Path, name: str, mode: Mode) -> None:
    out = tmp_path / "out.tflite"
    verifier = VerifierChoice(trained / f"{name}.keras", mode, {"spacing": 2})
    report = convert(trained / "model.keras", out, verifier=verifier)
    assert report.verifier
    assert [each.runtime for each in report.verifier.runtimes] == installed_runtimes()
    for parity in report.verifier.runtimes:
        assert parity.num_posteriors == len(LABELS) * ((6000 - 2 - LENGTH) // 12 + 1)
        assert 0.05 < parity.num_above / parity.num_posteriors < 0.5
    artefact = read_artefact(out)
    described = artefact.metadata.verifier
    assert artefact.verifier
    assert described
    assert (described.mode, described.frames) == (mode, LENGTH)
    assert artefact.metadata.mode == "float32"


STREAM = """
import sys
import numpy as np
from firmware_py import Detector
from firmware_py.streaming.frame_detector import joined
model, audio, out, runtime = sys.argv[1:]
samples, rng = np.load(audio), np.random.default_rng(0)
cuts = np.sort(rng.integers(0, len(samples), 200))
detector = Detector.open(model, runtime=runtime)
parts = [detector.steps(chunk) for chunk in np.split(samples, cuts)]
np.save(out, joined((*parts, detector.last_steps())).scores)
"""


@pytest.mark.parametrize("name", ["verifier", "incremental"])
@pytest.mark.parametrize("runtime", installed_runtimes())
def test_the_stream_is_what_keras_says_offline(
    trained: Path, tmp_path: Path, runtime: Runtime, name: str
) -> None:
    """Also where the candidates of the labels begin at other steps, each with its looks."""
    policy = LookPolicy(LENGTH, candidate_threshold=0.3, spacing=2, looks=5, peak=4)
    looks = {"candidate_threshold": 0.3, "spacing": 2, "peak": 4}
    out = tmp_path / "out.tflite"
    choice = VerifierChoice(trained / f"{name}.keras", looks=looks)
    convert(trained / "model.keras", out, verifier=choice)
    described = read_artefact(out).metadata.verifier
    assert described
    shapes = [(1, 2, 24, 1), (1, 1, 11, 8), (1, 25, 11, 8)]
    assert [each.shape for each in described.states] == (shapes if name == "incremental" else [])
    audio = made_audio(16000, seed=4)
    seen = frames(LOG_MEL, audio)
    first = offline_posteriors(read_trained(trained / "model.keras").model, seen)
    padded = np.concatenate((np.repeat(seen[:1], LENGTH, axis=0), seen))
    ends = LENGTH + SMALL.kernel_size + SMALL.stride * np.arange(len(first))
    verifier = keras.models.load_model(trained / f"{name}.keras")
    second = verifier.predict(np.array([padded[end - LENGTH : end] for end in ends]), verbose=0)
    expected = np.zeros_like(first)
    for label in range(len(LABELS)):
        candidates = Candidates(policy, 0.5)
        for step, posterior in enumerate(first[:, label].tolist()):
            if candidates.advance(posterior):
                candidates.look(float(second[step, label]))
            expected[step, label] = candidates.score
    np.save(tmp_path / "audio.npy", audio)
    command = [sys.executable, "-c", STREAM, str(out), str(tmp_path / "audio.npy")]
    command += [str(tmp_path / "scores.npy"), runtime]
    subprocess.run(command, check=True, cwd=Path(__file__).parent.parent)
    found = np.load(tmp_path / "scores.npy")
    assert ((expected > 0.5).sum(axis=0) > 20).all()
    within = found[: len(expected)]  # behind them: the silence that ends a stream
    np.testing.assert_allclose(within, expected, rtol=0, atol=1e-3)


def test_a_verifier_past_the_limit_writes_nothing(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the verifier is changed: its Keras network says something else than its file."""
    monkeypatch.setattr(VerifierModule, "posteriors", lambda _, looks: looks[:, 0, :2] * 0.0)
    choice = VerifierChoice(trained / "verifier.keras")
    with pytest.raises(ParityError, match=r"float32 fails .* choose another --verifier-mode"):
        convert(trained / "model.keras", tmp_path / "out.tflite", verifier=choice)
    assert not list(tmp_path.iterdir())


def test_the_command_packs_it_with_its_numbers(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.tflite"
    arguments = [str(trained / "model.keras"), "-o", str(out)]
    arguments += ["--verifier", str(trained / "verifier.keras"), "--looks=4"]
    assert main([*arguments, "--candidate-threshold=0.15"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines[1:]] == [
        *installed_runtimes(),
        *(f"verifier, {runtime}" for runtime in installed_runtimes()),
    ]
    verifier = read_artefact(out).metadata.verifier
    assert verifier
    assert (verifier.looks, verifier.candidate_threshold) == (4, 0.15)
    assert (verifier.peak, verifier.spacing) == (7, 3)


def test_what_is_no_verifier_is_one_line(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.keras").write_text("not a model")
    made_verifier(SEEN, LENGTH, 1).save(tmp_path / "one-label.keras")
    network = made_verifier(SEEN, LENGTH, 2)
    network.layers[-1].activation = keras.activations.linear
    network.save(tmp_path / "logits.keras")
    model = str(trained / "model.keras")
    for arguments, message in (
        (["--verifier", str(tmp_path / "none.keras")], "none.keras: "),
        (
            ["--verifier", str(tmp_path / "text.keras")],
            "text.keras: this cannot be read as a network (File is not a zip file)",
        ),
        (["--verifier", model], "it maps (None, None, 24) to"),
        (
            ["--verifier", str(tmp_path / "one-label.keras")],
            "(None, 60, 24) to (None, 1); the verifier of 'made' maps (None, frames, 24) to",
        ),
        (["--verifier", str(tmp_path / "logits.keras")], "let it end with a sigmoid"),
        (["--looks=3"], "name it with --verifier"),
        (["--verifier", str(trained / "verifier.keras"), "--looks=1"], "looks is 1; the least"),
    ):
        assert main([model, "-o", str(tmp_path / "out.tflite"), *arguments]) == 2
        line = capfd.readouterr().err.splitlines()[-1]
        assert line.startswith("python -m convert: ")
        assert message in line
    assert not (tmp_path / "out.tflite").exists()
