"""The reference network's figures, and the shapes of others."""

from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from models.settings.config import REFERENCE_CONFIG, read_config  # noqa: E402
from models.settings.network import Network  # noqa: E402
from models.training.architecture import freeze_normalisations, offline_model  # noqa: E402


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


@pytest.mark.parametrize(
    ("reset_after", "total", "trainable"), [(True, 523_329, 522_425), (False, 522_561, 521_657)]
)
def test_reference_has_the_known_number_of_parameters(reset_after, total, trainable):
    config = read_config(REFERENCE_CONFIG)
    network = replace(config.network, reset_after=reset_after)
    model = offline_model(network, config.front_end.num_bins, 1, num_frames=5511)
    assert model.count_params() == network.num_parameters(101, 1) == total
    assert count(model.trainable_variables) == trainable
    assert model.input_shape == (None, 5511, 101)
    assert model.output_shape == (None, 1375, 1)
    assert network.num_steps(5511) == 1375


def test_reference_config_brings_the_reference_front_end():
    config = read_config(REFERENCE_CONFIG)
    assert config.front_end.num_frames(441_000) == 5511
    assert config.front_end.clip_level.target_dbfs == -20.0
    assert config.trigger.threshold == 0.5


def test_several_labels_share_one_softmax():
    network = Network(filters=8, kernel_size=5, stride=2, gru_units=(7,), head="softmax", dropout=0)
    model = offline_model(network, 12, 3)
    posteriors = np.asarray(model(np.random.default_rng(0).normal(size=(2, 31, 12))))
    assert posteriors.shape == (2, network.num_steps(31), 3)
    np.testing.assert_allclose(posteriors.sum(axis=2), 1.0, rtol=1e-5)


def test_fine_tuning_freezes_all_three_normalisations():
    model = offline_model(Network(filters=8, gru_units=(6, 6)), 10, 1)
    before = count(model.trainable_variables)
    assert freeze_normalisations(model) == ["norm", "gru_1_norm", "gru_2_norm"]
    assert before - count(model.trainable_variables) == 2 * (8 + 6 + 6)
