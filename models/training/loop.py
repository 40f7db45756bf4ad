"""The training loop, of trigger words and of command words: resumable at any moment."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.clips.batches import Batch, made_ahead
from models.progress import Remark, end_early, no_remark, progress_bar, seconds_left
from models.settings.config import Config
from models.settings.schedule import Schedule
from models.training import checkpoint, moving_average
from models.training.compilation import begin_again, build_and_compile
from models.training.interruption import Interruption
from models.training.log import TrainingLog
from models.training.run_folder import BEST_MODEL, WORK
from models.training.task import Task, network_of

CHECKPOINT = "checkpoint.npz"
NORMALISATION_CLIPS = 256
AHEAD = 6

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingOutcome:
    """How a run ended."""

    steps: int
    error: float
    """Of the best network, as the task judges."""
    record: dict[str, Any]
    """What the task says of it."""


def with_normalisation(task: Task, executor: Executor) -> Config:
    """Return the task's configuration with mean and deviation per bin of training clips.

    A front end without logarithm, or with given values, stays as it is.
    """
    config, front_end = task.config, task.config.front_end
    if front_end.log_epsilon is None or front_end.mean:
        return config
    count = -(-NORMALISATION_CLIPS // config.schedule.batch_size)
    batches = [executor.submit(task.make_batch, index) for index in range(count)]
    frames = np.concatenate([batch.result().frames for batch in batches])[:NORMALISATION_CLIPS]
    rows = frames.astype(np.float64).reshape(-1, frames.shape[-1])
    mean = tuple(float(value) for value in np.round(rows.mean(axis=0), 5))
    deviation = tuple(float(value) for value in np.round(rows.std(axis=0), 5))
    return replace(config, front_end=replace(front_end, mean=mean, deviation=deviation))


def train(
    task: Task,
    folder: Path,
    executor: Executor,
    resume: bool,
    *,
    start: Path | None = None,
    remark: Remark = no_remark,
) -> TrainingOutcome:
    """Train to the end of the schedule; leaves model.keras, a log and checkpoints in `folder`.

    task: its configuration has its normalisation settled.
    executor: makes the batches; the same batches in the same order whatever it is.
    resume: go on from the last checkpoint, if there is one.
    start: a trained network to fine-tune, its batch normalisations frozen (.keras); or a
    checkpoint to go on from, its step included (.npz).
    remark: stands beside the progress bar.
    Stopped by Ctrl-C it keeps the step it is at, which the KeyboardInterrupt tells.
    """
    schedule = task.config.schedule
    last_checkpoint = folder / WORK / CHECKPOINT
    resumed = resume and last_checkpoint.exists()
    model = build_and_compile(task, start)  # resumed too: what is frozen has no optimiser state
    progress = checkpoint.load(last_checkpoint, model) if resumed else begin_again(model, start)
    task.prepare(executor)
    run = _Run(task, folder, model, progress)
    first = progress.step // schedule.repeats
    last = -(-schedule.steps // schedule.repeats)
    batches = made_ahead(task.make_batch, executor, first, last, AHEAD)
    with (
        Interruption() as interruption,
        progress_bar("step", schedule.steps, progress.step, task.config.name) as bar,
    ):
        for batch in _each_step(batches, first, schedule, progress.step):
            loss = run.step(batch)
            bar.set_postfix_str(f"loss {loss:.3f} {remark(seconds_left(bar))}", refresh=False)
            bar.update()
            if interruption.asked:
                raise KeyboardInterrupt(run.keep())
            if run.exhausted:
                log.info("no gain in %d evaluations: stopped", schedule.patience_evaluations)
                end_early(bar)
                break
    return run.finish()


def _each_step(
    batches: Iterable[Batch], first: int, schedule: Schedule, done: int
) -> Iterator[Batch]:
    """Yield the batch of each step after `done`; `batches` begin with batch `first`."""
    for number, batch in enumerate(batches, first):
        for repeat in range(schedule.repeats):
            if done <= number * schedule.repeats + repeat < schedule.steps:
                yield batch


class _Run:
    """One run in progress."""

    def __init__(
        self, task: Task, folder: Path, model: keras.Model, progress: checkpoint.Progress
    ) -> None:
        self._task = task
        self._schedule = task.config.schedule
        self._folder = folder
        self._model = model
        self._network = network_of(model)
        self._progress = progress
        (folder / WORK).mkdir(parents=True, exist_ok=True)
        self._log = TrainingLog(folder, progress.step)

    @property
    def exhausted(self) -> bool:
        patience = self._schedule.patience_evaluations
        return bool(patience) and self._progress.evaluations_without_gain >= patience

    def step(self, batch: Batch) -> float:
        """Learn from a batch and return its loss; log, judge and save where the schedule says."""
        schedule, progress, model = self._schedule, self._progress, self._model
        rng = np.random.RandomState([schedule.seed, progress.step])
        batch = self._task.step_batch(rng, batch)
        rate = float(np.asarray(model.optimizer.learning_rate))
        model.reset_metrics()
        found = model.train_on_batch(batch.frames, batch.targets, batch.weights, return_dict=True)
        progress.step += 1
        self._log.step(progress.step, rate, {name: float(value) for name, value in found.items()})
        progress.averages = moving_average.update(
            progress.averages, model, schedule.average_momentum, progress.step
        )
        done = progress.step == schedule.steps
        if schedule.log_steps and (progress.step % schedule.log_steps == 0 or progress.step == 1):
            said = self._task.describe(self._log.means(schedule.log_steps))
            log.info("Step #%d: rate %f, %s", progress.step, rate, said)
        if done or progress.step % schedule.evaluation_steps == 0:
            self._evaluate(rate)
        if done or progress.step % schedule.checkpoint_steps == 0:
            self._save()
        return float(found["loss"])

    def finish(self) -> TrainingOutcome:
        """Let the task settle the best network; return how the run ended."""
        self._log.close()
        error = self._progress.best_metric
        record = self._task.finish(self._folder / BEST_MODEL, error)
        return TrainingOutcome(self._progress.step, error, record)

    def keep(self) -> str:
        """Save what a stopped run goes on from; return which step that is, in words."""
        checkpoint.save(self._folder / WORK / CHECKPOINT, self._model, self._progress)
        self._log.close()
        return f"kept at step {self._progress.step}"

    def _save(self) -> None:
        names = [CHECKPOINT]
        if self._schedule.keep_checkpoints:
            names.append(f"checkpoint-{self._progress.step}.npz")
        for name in names:
            checkpoint.save(self._folder / WORK / name, self._model, self._progress)

    def _evaluate(self, rate: float) -> None:
        progress = self._progress
        with moving_average.averaged(self._model, progress.averages):
            judged = self._task.judge(self._network, progress.step)
            if judged.error < progress.best_metric:
                progress.best_metric = judged.error
                progress.evaluations_without_gain = 0
                checkpoint.save_model(self._model, self._folder / BEST_MODEL)
            else:
                progress.evaluations_without_gain += 1
        self._log.evaluation(progress.step, rate, judged.figures)
