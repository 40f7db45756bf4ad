"""The window network: converted, it equals Keras at every position, on every interpreter."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tomli_w

from convert.conversion import convert
from convert.material import made_audio
from convert.parity import MAXIMUM_DIFFERENCE
from convert.replay import RANDOM_CHUNKS, replay
from firmware_py.artefact import Mode, read_artefact
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.interpreter import installed_runtimes
from firmware_py.policies.command_words import CommandPolicy
from firmware_py.schema import to_mapping
from models.settings.network import WindowNetwork
from models.training.architecture import build_window

SPECTROGRAM = FrontEnd(
    sample_rate_hz=16000,
    window_length=255,
    hop_length=128,
    fft_length=256,
    full_scale=32768.0,
    scaling="magnitude",
)
SMALL = WindowNetwork(window_frames=124, stride=25, image_size=16, filters=(8, 12), dense_units=16)
LABELS = ("yes", "no", "stop")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    keras.utils.set_random_seed(3)
    build_window(SMALL, SPECTROGRAM.num_bins, len(LABELS)).save(folder / "model.keras")
    write_config(folder, LABELS)
    return folder / "model.keras"


def write_config(folder: Path, labels: tuple[str, ...]) -> None:
    content = {
        "name": "made",
        "labels": list(labels),
        "front_end": to_mapping(SPECTROGRAM),
        "network": to_mapping(SMALL),
        "trigger": to_mapping(CommandPolicy(minimum_count=1)),
    }
    (folder / "config.toml").write_text(tomli_w.dumps(content))


@pytest.mark.parametrize("mode", ["float32", "float16", "weight-int8", "dynamic-int8"])
def test_mode_is_within_its_limit(trained: Path, tmp_path: Path, mode: Mode) -> None:
    report = convert(trained, tmp_path / "out.tflite", mode=mode)
    assert [parity.runtime for parity in report.runtimes] == installed_runtimes()
    for parity in report.runtimes:
        assert parity.num_posteriors == 3 * SMALL.num_steps(SPECTROGRAM.num_frames(60 * 16000))
        assert parity.maximum_difference <= MAXIMUM_DIFFERENCE[mode]


def test_one_second_is_one_answer_and_equals_keras(trained: Path, tmp_path: Path) -> None:
    """The front end is the one of tf.signal, the answer that of the network on the whole clip."""
    import tensorflow as tf

    convert(trained, tmp_path / "out.tflite")
    clip = made_audio(16000, seed=5)[16000:32000]
    spectrum = tf.abs(tf.signal.stft(clip.astype(np.float32) / 32768.0, 255, 128))
    model = keras.models.load_model(trained, compile=False)
    expected = model(spectrum[None], training=False).numpy()[0]
    for runtime in installed_runtimes():
        found = replay(tmp_path / "out.tflite", clip, runtime, chunk_length=RANDOM_CHUNKS)
        assert found.shape == (1, 3)
        assert np.abs(found - expected).max() < 1e-4


def test_artefact_tells_what_it_is(trained: Path, tmp_path: Path) -> None:
    convert(trained, tmp_path / "out.tflite")
    metadata = read_artefact(tmp_path / "out.tflite").metadata
    assert metadata.trigger == CommandPolicy(minimum_count=1)
    assert metadata.step_seconds == pytest.approx(25 * 128 / 16000)
    assert metadata.step_end_seconds(0) == pytest.approx((123 * 128 + 255) / 16000)
    assert metadata.network.steps_per_call == 1
    assert metadata.network.tensors.states == ()


def test_what_does_not_fit_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="takes one step a call"):
        convert(trained, tmp_path / "out.tflite", num_steps=2)
    (tmp_path / "model.keras").write_bytes(trained.read_bytes())
    write_config(tmp_path, ("yes", "no"))
    with pytest.raises(ArtefactError, match=r"to \(None, 1, 3\), but"):
        convert(tmp_path / "model.keras", tmp_path / "out.tflite")
