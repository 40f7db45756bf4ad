"""A network of fewer words says to them exactly what the larger one says."""

import keras
import numpy as np
import pytest

from firmware_py.errors import SettingsError
from models.commands.select import select
from models.settings.config import read_config
from models.training.architecture import offline_model

CONFIG = """
name = "pair"
labels = ["one", "two", "three"]
[front_end]
sample_rate_hz = 16000
window_length = 400
hop_length = 160
num_mel_bins = 8
[network]
filters = 6
kernel_size = 5
stride = 2
gru_units = [5]
[[recipe.sources]]
role = "positive"
path = "a"
[[recipe.sources]]
role = "positive"
path = "b"
label = "three"
[[recipe.sources]]
role = "background"
path = "c"
"""


@pytest.fixture
def network(tmp_path):
    folder = tmp_path / "whole"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG)
    config = read_config(folder / "config.toml")
    keras.utils.set_random_seed(3)
    offline_model(config.network, config.front_end.num_bins, 3).save(folder / "model.keras")
    return folder / "model.keras"


def test_the_same_posteriors_for_the_words_that_are_left(network, tmp_path):
    out = select(network, ["three", "one"], "two-of-three", tmp_path / "out")
    frames = np.random.default_rng(1).normal(size=(2, 40, 8)).astype(np.float32)
    whole = keras.models.load_model(network).predict(frames, verbose=0)
    some = keras.models.load_model(out).predict(frames, verbose=0)
    np.testing.assert_allclose(some, whole[:, :, [2, 0]], atol=1e-7)
    config = read_config(out.with_name("config.toml"))
    assert (config.name, config.labels) == ("two-of-three", ("three", "one"))


def test_a_verifier_beside_it_is_selected_too(network, tmp_path):
    head = keras.layers.Dense(3, activation="sigmoid")
    layers = [keras.Input((10, 8)), keras.layers.Flatten(), head]
    keras.Sequential(layers).save(network.with_name("verifier.keras"))
    out = select(network, ["two"], "two", tmp_path / "out")
    frames = np.random.default_rng(2).normal(size=(4, 10, 8)).astype(np.float32)
    whole = keras.models.load_model(network.with_name("verifier.keras")).predict(frames, verbose=0)
    some = keras.models.load_model(out.with_name("verifier.keras")).predict(frames, verbose=0)
    np.testing.assert_allclose(some, whole[:, [1]], atol=1e-7)


def test_sources_of_other_words_are_left_out(network, tmp_path):
    out = select(network, ["three"], "three", tmp_path / "out")
    sources = read_config(out.with_name("config.toml")).recipe.sources
    assert [source.path for source in sources] == ["b", "c"]


def test_a_word_that_is_not_heard_is_refused(network, tmp_path):
    with pytest.raises(SettingsError, match="does not hear 'four'"):
        select(network, ["four"], "four", tmp_path / "out")


def test_no_other_network_is_replaced(network):
    with pytest.raises(SettingsError, match="would be lost"):
        select(network, ["one"], "one", network.parent)
