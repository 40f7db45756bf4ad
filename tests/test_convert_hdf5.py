"""Networks in HDF5 files of old and new Keras, read and compared with who wrote them."""

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from made_networks import SMALL, made_network

from convert.reading.hdf5 import load_full, load_weights
from firmware_py.errors import ArtefactError
from firmware_py.front_end import FrontEnd
from models.settings.config import Config
from models.settings.network import Network

tf_keras = pytest.importorskip("tf_keras", reason="needs tf_keras, which is Keras 2")

REFERENCE = FrontEnd(sample_rate_hz=44100, window_length=200, hop_length=80, scaling="psd")
FRAMES = np.random.default_rng(7).normal(size=(95, 101)).astype(np.float32)


def configuration(network: Network) -> Config:
    return Config("made", ("word",), REFERENCE, network)


def keras_2_network(network: Network, num_frames: int | None = None) -> "tf_keras.Model":
    """Return the course's network, built and filled with random weights by Keras 2."""
    layers = tf_keras.layers
    inputs = layers.Input((num_frames, 101))
    values = layers.Conv1D(network.filters, network.kernel_size, strides=network.stride)(inputs)
    values = layers.Dropout(0.8)(layers.Activation("relu")(layers.BatchNormalization()(values)))
    for units in network.gru_units:
        gru = layers.GRU(units, return_sequences=True, reset_after=network.reset_after)
        values = layers.BatchNormalization()(layers.Dropout(0.8)(gru(values)))
    values = layers.Dropout(0.8)(values)
    outputs = layers.TimeDistributed(layers.Dense(1, activation=network.head))(values)
    model = tf_keras.Model(inputs, outputs)
    rng = np.random.default_rng(1)
    model.set_weights(
        [weight + rng.uniform(0.02, 0.2, weight.shape) for weight in model.get_weights()]
    )
    return model


def assert_equal_posteriors(model: keras.Model, expected: np.ndarray) -> None:
    found = model(FRAMES[None], training=False).numpy()
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@pytest.fixture(params=[True, False], ids=["reset after", "reset before"])
def network(request: pytest.FixtureRequest) -> Network:
    return Network(reset_after=request.param)


def test_weights_of_keras_2(network: Network, tmp_path: Path) -> None:
    theirs = keras_2_network(network)
    theirs.save_weights(tmp_path / "weights.h5")
    with h5py.File(tmp_path / "weights.h5") as file:
        names: list[str] = []
        file.visit(names.append)
    assert any(name.endswith("kernel:0") for name in names)
    # The configuration says the other form; the file's biases decide.
    other = Network(reset_after=not network.reset_after)
    ours = load_weights(tmp_path / "weights.h5", configuration(other))
    assert ours.count_params() == (523_329 if network.reset_after else 522_561)
    assert_equal_posteriors(ours, theirs(FRAMES[None]).numpy())


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_full_file_of_keras_2(network: Network, tmp_path: Path) -> None:
    theirs = keras_2_network(network, num_frames=95)
    theirs.save(tmp_path / "model.h5")
    assert_equal_posteriors(load_full(tmp_path / "model.h5"), theirs(FRAMES[None]).numpy())


@pytest.mark.parametrize("reset_after", [True, False])
def test_weights_of_keras_3(reset_after: bool, tmp_path: Path) -> None:
    theirs = made_network(Network(24, 8, 3, (20, 16), reset_after), FRAMES)
    theirs.save_weights(tmp_path / "model.weights.h5")
    ours = load_weights(tmp_path / "model.weights.h5", configuration(SMALL))
    assert_equal_posteriors(ours, theirs(FRAMES[None]).numpy())


def test_full_file_of_keras_3(tmp_path: Path) -> None:
    theirs = made_network(SMALL, FRAMES)
    theirs.save(tmp_path / "model.h5")
    assert_equal_posteriors(load_full(tmp_path / "model.h5"), theirs(FRAMES[None]).numpy())


KERAS_2_4_NAMES = {
    "conv1d/conv1d/kernel:0": (15, 101, 196),
    "conv1d/conv1d/bias:0": (196,),
    "batch_normalization/batch_normalization/gamma:0": (196,),
    "batch_normalization/batch_normalization/beta:0": (196,),
    "batch_normalization/batch_normalization/moving_mean:0": (196,),
    "batch_normalization/batch_normalization/moving_variance:0": (196,),
    "gru/gru/gru_cell_6/kernel:0": (196, 384),
    "gru/gru/gru_cell_6/recurrent_kernel:0": (128, 384),
    "gru/gru/gru_cell_6/bias:0": (2, 384),
    "batch_normalization_1/batch_normalization_1/gamma:0": (128,),
    "batch_normalization_1/batch_normalization_1/beta:0": (128,),
    "batch_normalization_1/batch_normalization_1/moving_mean:0": (128,),
    "batch_normalization_1/batch_normalization_1/moving_variance:0": (128,),
    "gru_1/gru_1/gru_cell_7/kernel:0": (128, 384),
    "gru_1/gru_1/gru_cell_7/recurrent_kernel:0": (128, 384),
    "gru_1/gru_1/gru_cell_7/bias:0": (2, 384),
    "batch_normalization_2/batch_normalization_2/gamma:0": (128,),
    "batch_normalization_2/batch_normalization_2/beta:0": (128,),
    "batch_normalization_2/batch_normalization_2/moving_mean:0": (128,),
    "batch_normalization_2/batch_normalization_2/moving_variance:0": (128,),
    "time_distributed/time_distributed/kernel:0": (128, 1),
    "time_distributed/time_distributed/bias:0": (1,),
}


def write_keras_2_4(path: Path, rename: dict[str, str], *, listed: bool) -> dict[str, np.ndarray]:
    """Write a file with Keras 2.4's literal names; return its arrays by those names."""
    rng = np.random.default_rng(3)
    arrays = {name: rng.uniform(0.01, 0.1, shape) for name, shape in KERAS_2_4_NAMES.items()}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            layer, _, rest = name.partition("/")
            file[f"{rename.get(layer, layer)}/{rest}"] = array.astype(np.float32)
        if listed:
            layers = dict.fromkeys(name.partition("/")[0] for name in KERAS_2_4_NAMES)
            idle = ["input_1", *(rename.get(layer, layer) for layer in layers), "dropout_4"]
            file.create_group("input_1")
            file.create_group("dropout_4")
            file.attrs["layer_names"] = [name.encode() for name in idle]
            file.attrs["keras_version"] = b"2.4.0"
    return arrays


@pytest.mark.parametrize(
    ("listed", "rename"),
    [
        (True, {}),
        (False, {}),
        (False, {"gru": "gru_9", "gru_1": "gru_10"}),
        (True, {"gru": "gru_11", "gru_1": "gru_2"}),
    ],
    ids=["listed", "not listed", "numbers past nine", "order as listed"],
)
def test_literal_names_of_keras_2_4(tmp_path: Path, listed: bool, rename: dict[str, str]) -> None:
    arrays = write_keras_2_4(tmp_path / "w.h5", rename, listed=listed)
    model = load_weights(tmp_path / "w.h5", configuration(Network()))
    for found, name in zip(model.get_weights(), KERAS_2_4_NAMES, strict=True):
        np.testing.assert_array_equal(found, arrays[name].astype(np.float32), err_msg=name)


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    keras_2_network(Network(gru_units=(128,))).save_weights(tmp_path / "w.h5")
    with pytest.raises(ArtefactError, match=r"no weights for GRU 'gru_2'; .*another"):
        load_weights(tmp_path / "w.h5", configuration(Network()))
    with pytest.raises(ArtefactError, match=r"'conv1d' has weights of .*15, 101, 32"):
        load_weights(tmp_path / "w.h5", configuration(Network(32, gru_units=(128,))))
    keras_2_network(Network()).save_weights(tmp_path / "w.h5")
    with pytest.raises(ArtefactError, match="weights for 1 more BatchNormalization and 1 more GRU"):
        load_weights(tmp_path / "w.h5", configuration(Network(gru_units=(128,))))


def test_weights_of_keras_3_of_another_architecture(tmp_path: Path) -> None:
    made_network(SMALL, FRAMES).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ArtefactError, match="do not fit the architecture 'made'"):
        load_weights(tmp_path / "m.weights.h5", configuration(Network()))


def test_weights_of_an_unknown_layer(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["lstm/lstm/lstm_cell/depthwise_kernel:0"] = np.zeros((2, 2))
    with pytest.raises(ArtefactError, match=r"'lstm' has the unknown weights \['depthwise_kernel'"):
        load_weights(tmp_path / "w.h5", configuration(Network()))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_full_file_with_another_layer(tmp_path: Path) -> None:
    layers = tf_keras.layers
    model = tf_keras.Sequential([layers.Input((20, 101)), layers.Conv1D(4, 3), layers.LSTM(3)])
    model.save(tmp_path / "m.h5")
    with pytest.raises(ArtefactError, match="the network has LSTM"):
        load_full(tmp_path / "m.h5")
