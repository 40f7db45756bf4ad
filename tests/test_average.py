"""The mean of networks' weights."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from firmware_py.errors import SettingsError
from models.commands.average import average
from models.settings.config import CONFIGS, read_config

keras = pytest.importorskip("keras")


def network(path: Path, seed: int, units: int = 3) -> Path:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((None, 5)), keras.layers.GRU(units)])
    path.parent.mkdir()
    model.save(path)
    shutil.copy(CONFIGS / "activate-small.toml", path.with_name("config.toml"))
    return path


def test_the_mean_of_three_with_the_first_ones_configuration(tmp_path: Path) -> None:
    paths = [network(tmp_path / str(seed) / "model.keras", seed) for seed in range(3)]
    (paths[1].parent / "training.json").write_text('{"steps": 7}')
    mean = keras.models.load_model(average(paths, tmp_path / "out")).get_weights()
    weights = [keras.models.load_model(path).get_weights() for path in paths]
    for index, array in enumerate(mean):
        expected = (weights[0][index] + weights[1][index] + weights[2][index]) / 3
        np.testing.assert_allclose(array, expected, atol=1e-7)
    assert read_config(tmp_path / "out" / "config.toml").name == "activate-small"
    record = json.loads((tmp_path / "out" / "training.json").read_text())["average_of"]
    assert [part["training"] for part in record] == [{}, {"steps": 7}, {}]
    assert record[2]["sha256"] == hashlib.sha256(paths[2].read_bytes()).hexdigest()


def test_what_has_no_mean_is_refused(tmp_path: Path) -> None:
    small, large = network(tmp_path / "a" / "m.keras", 1), network(tmp_path / "b" / "m.keras", 1, 4)
    with pytest.raises(SettingsError, match="another shape"):
        average([small, large], tmp_path / "out")
    with pytest.raises(SettingsError, match=r"absent\.keras: Keras cannot load it"):
        average([small, tmp_path / "absent.keras"], tmp_path / "out")


def test_its_own_first_network_is_not_overwritten(tmp_path: Path) -> None:
    paths = [network(tmp_path / str(seed) / "model.keras", seed) for seed in range(2)]
    before = paths[0].read_bytes()
    with pytest.raises(SettingsError, match="choose another --out"):
        average(paths, tmp_path / "0")
    assert paths[0].read_bytes() == before


def test_networks_that_hear_differently_have_no_mean(tmp_path: Path) -> None:
    paths = [network(tmp_path / str(seed) / "model.keras", seed) for seed in range(2)]
    config = paths[1].with_name("config.toml")
    config.write_text(config.read_text().replace("mel_low_hz = 60.0", "mel_low_hz = 80.0"))
    with pytest.raises(SettingsError, match="not the front end and labels"):
        average(paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    good = network(tmp_path / "a" / "model.keras", 1)
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as file:
        file.writestr("readme", "")
    with pytest.raises(SettingsError, match=r"empty\.keras: Keras cannot load it"):
        average([good, tmp_path / "empty.keras"], tmp_path / "out")
