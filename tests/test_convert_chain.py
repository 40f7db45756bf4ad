"""Networks that are no plain chain: refused by name, whatever file they come in."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from made_networks import LOG_MEL, SMALL, write_config

from convert.errors import ParityError
from convert.reading import trained as reader
from convert.reading.trained import check_own_forward, read_trained
from firmware_py.errors import ArtefactError

FRAMES = np.random.default_rng(3).normal(size=(900, 24)).astype(np.float32)


def start(num_frames: int | None = None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input, and the channels that the first GRU reads."""
    frames = keras.Input((num_frames, 24))
    channels = layers.BatchNormalization()(layers.Conv1D(24, 8, 3)(frames))
    return frames, layers.ReLU()(channels)


def gru(units: int = 20, **settings: object) -> layers.GRU:
    return layers.GRU(units, return_sequences=True, **settings)


def head() -> layers.Layer:
    return layers.TimeDistributed(layers.Dense(1, activation="sigmoid"))


def residual() -> keras.Model:
    frames, channels = start()
    first = gru()(channels)
    return keras.Model(frames, head()(first + gru()(first)))


def scaled_input() -> keras.Model:
    frames = keras.Input((None, 24))
    channels = layers.ReLU()(layers.Conv1D(24, 8, 3)(frames / 10.0))
    return keras.Model(frames, head()(gru(16)(gru()(channels))))


def inverted() -> keras.Model:
    frames, channels = start()
    return keras.Model(frames, 1 - head()(gru(16)(gru()(channels))))


def flipped() -> keras.Model:
    frames, channels = start()
    return keras.Model(frames, head()(gru(16)(keras.ops.flip(gru()(channels), axis=1))))


def shared() -> keras.Model:
    frames, channels = start()
    twice = gru(24)
    return keras.Model(frames, head()(twice(twice(channels))))


def two_outputs() -> keras.Model:
    frames, channels = start()
    states = gru()(channels)
    return keras.Model(frames, [head()(gru(16)(states)), head()(states)])


def two_inputs() -> keras.Model:
    frames, channels = start()
    others, _ = start()
    return keras.Model([frames, others], head()(gru(16)(gru()(channels))))


def dropout_in_use() -> keras.Model:
    frames, channels = start()
    states = layers.Dropout(0.5)(gru()(channels), training=True)
    return keras.Model(frames, head()(gru(16)(states)))


def first_state_given() -> keras.Model:
    frames, channels = start()
    states = gru()(channels)
    return keras.Model(frames, head()(gru()(states, initial_state=states[:, 0])))


def nested() -> keras.Model:
    frames, channels = start()
    return keras.Model(frames, head()(keras.Sequential([gru(), gru(16)])(channels)))


def state_too() -> keras.Model:
    frames, channels = start()
    states, _ = gru(return_state=True)(channels)
    return keras.Model(frames, head()(gru(16)(states)))


def half_precision() -> keras.Model:
    frames = keras.Input((None, 24))
    channels = layers.ReLU()(layers.Conv1D(24, 8, 3, dtype="mixed_float16")(frames))
    return keras.Model(frames, head()(gru(16)(gru()(channels))))


def not_numbers() -> keras.Model:
    frames, channels = start()
    model = keras.Model(frames, head()(gru(16)(gru()(channels))))
    model.layers[1].set_weights([weight * np.nan for weight in model.layers[1].get_weights()])
    return model


REFUSED = {
    residual: "has Add 'add.*', which cannot be streamed",
    scaled_input: "has TrueDivide 'true_divide",
    inverted: "has Subtract 'subtract",
    flipped: "has Flip 'flip",
    shared: "uses GRU 'gru.*' 2 times",
    two_outputs: "has 2 outputs",
    two_inputs: "has 2 inputs|has InputLayer .* beside its chain",
    dropout_in_use: "calls Dropout 'dropout.*' with its option 'training' set",
    first_state_given: "has GetItem 'get_item",
    nested: "has Sequential 'sequential",
    state_too: "GRU 'gru.*' has 2 outputs",
    half_precision: "Conv1D 'conv1d.*' has compute_dtype 'float16'",
    not_numbers: "Conv1D 'conv1d.*' has weights that are not numbers",
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", REFUSED)
def test_what_is_no_plain_chain_is_refused(
    make: Callable[[], keras.Model], suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    try:
        make().save(path)
    except TypeError:
        pytest.skip("Keras itself cannot write this as HDF5")
    config = write_config(tmp_path, LOG_MEL, SMALL)
    with pytest.raises(ArtefactError, match=REFUSED[make]) as refused:
        read_trained(path, config)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def fixed_length(folder: Path, num_frames: int | None) -> reader.Trained:
    frames, channels = start(num_frames)
    model = keras.Model(frames, head()(gru(16)(gru()(channels))))
    model.save(folder / "model.keras")
    return read_trained(folder / "model.keras", write_config(folder, LOG_MEL, SMALL))


@pytest.mark.parametrize("num_frames", [398, 2000, None], ids=["short", "long", "any"])
def test_clips_of_one_length_are_compared_with_the_file(
    num_frames: int | None, tmp_path: Path
) -> None:
    trained = fixed_length(tmp_path, num_frames)
    assert trained.model.input_shape == (None, None, 24)
    assert trained.loaded.input_shape == (None, num_frames, 24)
    check_own_forward(trained, FRAMES)


def test_a_network_read_wrongly_is_no_oracle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were a layer left out of the chain, the file's own forward pass would tell."""
    chain = reader.model_chain
    monkeypatch.setattr(reader, "model_chain", lambda model: [*chain(model), layers.ReLU()])
    check_own_forward(fixed_length(tmp_path, 398), FRAMES)
    monkeypatch.setattr(reader, "model_chain", lambda model: [*chain(model), layers.Rescaling(0.9)])
    with pytest.raises(ParityError, match=r"differs from its own forward pass by 0\.0"):
        check_own_forward(fixed_length(tmp_path, 398), FRAMES)
