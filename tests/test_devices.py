"""Mirrored training on two devices, which a fresh process makes of one CPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

PROGRAM = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
mirrored = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda: mirrored(["CPU:0", "CPU:1"])  # as it finds GPUs itself
from firmware_py.errors import SettingsError
from models.training.architecture import build, freeze_normalisations
from models.training.devices import Devices
from models.training.development_score import network_of
from models.settings.network import Network
from models.settings.recipe import Schedule

rng = np.random.default_rng(0)
frames = rng.normal(size=(8, 41, 6)).astype(np.float32)
targets = (rng.random((8, 19, 1)) < 0.2).astype(np.float32)
weights = rng.random((8, 19)).astype(np.float32)
found = []
for distribute, count in (("none", 1), ("mirrored", 2)):
    devices = Devices(Schedule(batch_size=8, distribute=distribute))
    assert devices.strategy.num_replicas_in_sync == count
    keras.utils.set_random_seed(1)
    with devices.strategy.scope():
        model = build(Network(4, 5, 2, (4,), dropout=0.0), 6, 1)
        freeze_normalisations(model)  # each device has statistics of its own part
        optimiser = keras.optimizers.AdamW(1e-2, weight_decay=1e-3, clipnorm=1.0)
        model.compile(optimizer=optimiser, loss="binary_crossentropy")
        model.optimizer.build(model.trainable_variables)
    losses = [devices.learn(model, frames, targets, weights) for _ in range(4)]
    assert losses[3] < losses[0], losses
    found.append((losses, *model.get_weights(), network_of(model)(frames)))
for one, two in zip(*found):
    np.testing.assert_allclose(one, two, atol=1e-6)
try:
    Devices(Schedule(batch_size=7, distribute="mirrored"))
except SettingsError as error:
    assert "batch_size is 7, which 2 devices cannot share" in str(error)
else:
    raise AssertionError
"""


def test_two_devices_learn_what_one_learns():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
