"""A network ready to learn: built, given its first weights, and an optimiser."""

from pathlib import Path

import keras

from firmware_py.errors import SettingsError
from firmware_py.reading.lines import first_line
from models.settings.schedule import Schedule
from models.training import checkpoint
from models.training.architecture import build_network, freeze_normalisations
from models.training.task import Task


def build_and_compile(task: Task, start: Path | None) -> keras.Model:
    """Return the network, compiled: with new weights, or those of `start` and frozen statistics.

    start: a .keras file; a checkpoint (.npz) is loaded afterwards, by `begin_again`.
    """
    config, schedule = task.config, task.config.schedule
    keras.utils.set_random_seed(schedule.seed)
    model = build_network(config)
    if start and not _is_checkpoint(start):
        take_weights(model, start)
        freeze_normalisations(model)
    model.compile(
        optimizer=_optimiser(schedule), loss=task.loss, weighted_metrics=list(task.metrics)
    )
    model.optimizer.build(model.trainable_variables)
    return model


def begin_again(model: keras.Model, start: Path | None) -> checkpoint.Progress:
    """Return where a new run begins: at the step of a checkpoint, if `start` is one, else at 0."""
    if start is None or not _is_checkpoint(start):
        return checkpoint.Progress()
    begun = checkpoint.load(start, model)
    return checkpoint.Progress(begun.step, averages=begun.averages)


def _is_checkpoint(start: Path) -> bool:
    return start.suffix == ".npz"


def take_weights(model: keras.Model, start: Path) -> None:
    """Put the weights of the network at `start` into `model`; raises SettingsError."""
    try:
        model.set_weights(load_network(start).get_weights())
    except (SettingsError, ValueError) as error:
        raise SettingsError(
            f"{start}: cannot start from this network ({first_line(error)}); name a .keras file of"
            " the same shape, or a checkpoint (.npz)"
        ) from error


def load_network(path: Path) -> keras.Model:
    """Return the network at `path`; raises SettingsError."""
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras promises nothing of what it raises for nonsense
        raise SettingsError(
            f"{path}: Keras cannot load it ({first_line(error)}); save it again"
        ) from error


def _optimiser(schedule: Schedule) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(
        _rate(schedule), weight_decay=schedule.weight_decay, clipnorm=schedule.gradient_clip_norm
    )


def _rate(schedule: Schedule) -> keras.optimizers.schedules.LearningRateSchedule:
    if schedule.last_steps:
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            [schedule.steps - schedule.last_steps - 1],
            [schedule.learning_rate, schedule.last_learning_rate],
        )
    return keras.optimizers.schedules.CosineDecay(
        schedule.learning_rate / 100,
        decay_steps=max(1, schedule.steps - schedule.warm_up_steps),
        alpha=schedule.last_learning_rate / schedule.learning_rate,
        warmup_target=schedule.learning_rate,
        warmup_steps=schedule.warm_up_steps,
    )
