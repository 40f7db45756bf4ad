"""A network ready to learn: built, given its first weights, and an optimiser."""

from pathlib import Path

import keras

from firmware_py.errors import SettingsError
from models.settings.config import Config
from models.settings.recipe import Schedule
from models.training.architecture import build, freeze_normalisations
from models.training.devices import Devices


def build_and_compile(config: Config, devices: Devices, start: Path | None) -> keras.Model:
    """Return the network, compiled: with new weights, or those of `start` and frozen statistics."""
    schedule = config.schedule
    keras.utils.set_random_seed(schedule.seed)
    with devices.strategy.scope():
        model = build(config.network, config.front_end.num_bins, len(config.labels))
        if start:
            take_weights(model, start)
            freeze_normalisations(model)
        model.compile(optimizer=_optimiser(schedule), loss="binary_crossentropy")
        model.optimizer.build(model.trainable_variables)
    return model


def take_weights(model: keras.Model, start: Path, accepted: str = "a .keras file") -> None:
    """Put the weights of the network at `start` into `model`; raises SettingsError.

    accepted: what else than a network the caller can start from, for the remedy.
    """
    try:
        model.set_weights(load_network(start).get_weights())
    except (SettingsError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise SettingsError(
            f"{start}: cannot start from this network ({reason}); name {accepted} of the same shape"
        ) from error


def load_network(path: Path) -> keras.Model:
    """Return the network at `path`; raises SettingsError."""
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SettingsError(f"{path}: Keras cannot load it ({reason}); save it again") from error


def _optimiser(schedule: Schedule) -> keras.optimizers.Optimizer:
    rate = keras.optimizers.schedules.CosineDecay(
        schedule.learning_rate / 100,
        decay_steps=max(1, schedule.steps - schedule.warm_up_steps),
        alpha=schedule.last_learning_rate / schedule.learning_rate,
        warmup_target=schedule.learning_rate,
        warmup_steps=schedule.warm_up_steps,
    )
    return keras.optimizers.AdamW(
        rate, weight_decay=schedule.weight_decay, clipnorm=schedule.gradient_clip_norm
    )
