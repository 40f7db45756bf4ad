"""The devices that a network trains on: one, or copies of the network on all GPUs."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from models.settings.recipe import Schedule


class Devices:
    """Where networks are built and learn, as a schedule says."""

    def __init__(self, schedule: Schedule) -> None:
        """Raises SettingsError for a batch that cannot be divided evenly."""
        mirrored = schedule.distribute == "mirrored"
        self.strategy = (
            tf.distribute.MirroredStrategy() if mirrored else tf.distribute.get_strategy()
        )
        count = self.strategy.num_replicas_in_sync
        if schedule.batch_size % count:
            raise SettingsError(
                f"batch_size is {schedule.batch_size}, which {count} devices cannot share evenly;"
                f" make it a multiple of {count}"
            )

    def learn(
        self,
        model: keras.Model,
        frames: NDArray[np.float32],
        targets: NDArray[np.float32],
        weights: NDArray[np.float32],
    ) -> float:
        """Take one step on one batch and return its loss; `model` was compiled in `strategy`.

        The step is the one on a single device up to rounding, except that batch normalisation
        sees the statistics of each device's part.
        """
        batch = tuple(self._divided(array) for array in (frames, targets, weights))
        model.reset_metrics()
        model.make_train_function()
        logs = model.train_function(iter([batch]))
        return float(logs["loss"])

    def _divided(self, array: NDArray[np.float32]) -> Any:
        """Return the array, or a part of it for each device."""
        count = self.strategy.num_replicas_in_sync
        if count == 1:
            return array
        parts = np.split(array, count)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )
