"""The mean of networks' weights."""

from pathlib import Path

import numpy as np
import pytest

from firmware_py.errors import SettingsError
from models.average import average

keras = pytest.importorskip("keras")


def network(path: Path, seed: int, units: int = 3) -> Path:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((None, 5)), keras.layers.GRU(units)])
    path.parent.mkdir()
    model.save(path)
    return path


def test_the_mean_of_three_with_the_first_ones_configuration(tmp_path: Path) -> None:
    paths = [network(tmp_path / str(seed) / "model.keras", seed) for seed in range(3)]
    (paths[0].parent / "config.toml").write_text("name = 'first'")
    mean = keras.models.load_model(average(paths, tmp_path / "out")).get_weights()
    weights = [keras.models.load_model(path).get_weights() for path in paths]
    for index, array in enumerate(mean):
        expected = (weights[0][index] + weights[1][index] + weights[2][index]) / 3
        np.testing.assert_allclose(array, expected, atol=1e-7)
    assert (tmp_path / "out" / "config.toml").read_text() == "name = 'first'"


def test_what_has_no_mean_is_refused(tmp_path: Path) -> None:
    small, large = network(tmp_path / "a" / "m.keras", 1), network(tmp_path / "b" / "m.keras", 1, 4)
    with pytest.raises(SettingsError, match="another shape"):
        average([small, large], tmp_path / "out")
    with pytest.raises(SettingsError, match=r"absent\.keras: no network"):
        average([small, tmp_path / "absent.keras"], tmp_path / "out")
