"""Training of command words: steps and rates, log lines, checkpoints, validation, one last test."""

import csv
import logging
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from firmware_py.command_words import UNKNOWN
from models.clips.batches import Batch, stream_batches
from models.clips.masks import masked
from models.settings.config import Config, recipe_of
from models.settings.words import Schedule
from models.training import checkpoint, moving_average
from models.training.architecture import build, build_window
from models.training.compilation import take_weights
from models.training.development_score import Network, network_of
from models.training.loop import progress_bar
from models.training.normalisation import needs_normalisation, normalised
from models.training.settled import BEST_MODEL
from models.words.calibration import best_offset, shift_bias
from models.words.confusion import Confusion
from models.words.examples import ExampleJob, make_batch
from models.words.offline import average_steps, judge, judged_clips, posteriors_of

WORK = "work"
"""Checkpoints and other files that are not for others."""
CHECKPOINT = "checkpoint.npz"
LOG = "training.csv"
COLUMNS = ("step", "rate", "accuracy", "cross_entropy", "validation_accuracy", "validation_clips")
NORMALISATION_BATCHES = 4
AHEAD = 4
MASKED_BINS_PART, MASKED_MOMENTS_PART = 6, 30

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    steps: int
    validation: Confusion
    testing: Confusion


def with_normalisation(config: Config, roots: tuple[Path, ...], executor: Executor) -> Config:
    """Return the configuration with mean and deviation per bin measured on training examples.

    A front end without logarithm, or with given values, stays as it is.
    """
    if not needs_normalisation(config):
        return config
    words = recipe_of(config)
    job = ExampleJob(config, roots, "training", words.schedule.seed, words.schedule.batch_size)
    batches = [executor.submit(make_batch, job, index) for index in range(NORMALISATION_BATCHES)]
    frames = np.concatenate([batch.result().frames for batch in batches])
    return normalised(config, frames.astype(np.float64))


def build_network(config: Config) -> keras.Model:
    """Return the untrained network that a configuration describes."""
    if config.window:
        return build_window(config.window, config.front_end.num_bins, len(config.labels))
    return build(config.network, config.front_end.num_bins, len(config.labels))


def train_words(
    config: Config,
    roots: tuple[Path, ...],
    folder: Path,
    executor: Executor,
    resume: bool,
    start: Path | None = None,
) -> Outcome:
    """Train to the end of the schedule; leaves model.keras and training.csv in `folder`.

    config: with its normalisation settled.
    resume: go on from the last checkpoint. start: go on from this checkpoint (.npz, its step
    included) or from the weights of this network (.keras).
    """
    schedule = recipe_of(config).schedule
    keras.utils.set_random_seed(schedule.seed)
    model = _compiled(config, schedule)
    progress = _begin(model, folder, resume, start)
    run = _Run(config, roots, folder, model, progress)
    job = ExampleJob(config, roots, "training", schedule.seed, schedule.batch_size)
    total, first = schedule.total_steps, progress.step // schedule.repeats
    last = -(-total // schedule.repeats)
    with progress_bar(config.name, total, progress.step) as bar:
        batches = stream_batches(job, executor, first, last, AHEAD, make_batch)
        for number, batch in enumerate(batches, first):
            for repeat in range(schedule.repeats):
                if progress.step <= number * schedule.repeats + repeat < total:
                    run.step(batch)
                    bar.update()
            if run.exhausted:
                log.info("no gain in %d evaluations: stopped", schedule.patience_evaluations)
                break
    return run.finish()


def _compiled(config: Config, schedule: Schedule) -> keras.Model:
    model = build_network(config)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            schedule.learning_rates[0], weight_decay=schedule.weight_decay, clipnorm=1.0
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=schedule.label_smoothing),
        weighted_metrics=["categorical_accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _begin(
    model: keras.Model, folder: Path, resume: bool, start: Path | None
) -> checkpoint.Progress:
    """Return where the run begins, its weights put into `model`."""
    latest = folder / WORK / CHECKPOINT
    if resume and latest.exists():
        return checkpoint.load(latest, model)
    if start is None:
        return checkpoint.Progress()
    if start.suffix == ".npz":
        begun = checkpoint.load(start, model)
        return replace(begun, best_metric=float("inf"), evaluations_without_gain=0)
    take_weights(model, start, "a checkpoint (.npz) or a .keras file")
    return checkpoint.Progress()


class _Run:
    """One run in progress."""

    def __init__(
        self,
        config: Config,
        roots: tuple[Path, ...],
        folder: Path,
        model: keras.Model,
        progress: checkpoint.Progress,
    ) -> None:
        self._config = config
        self._schedule = recipe_of(config).schedule
        self._roots = roots
        self._folder = folder
        self._model = model
        self._network = network_of(model)
        self._progress = progress
        self._validation = judged_clips(config, roots, "validation")
        self._recent: list[tuple[float, float]] = []
        (folder / WORK).mkdir(parents=True, exist_ok=True)
        self._keep_log(progress.step)

    @property
    def exhausted(self) -> bool:
        patience = self._schedule.patience_evaluations
        return bool(patience) and self._progress.evaluations_without_gain >= patience

    def step(self, batch: Batch) -> None:
        """Learn from a batch; log, evaluate and save where the schedule says so."""
        schedule, progress, model = self._schedule, self._progress, self._model
        rate = schedule.learning_rate(progress.step)
        model.optimizer.learning_rate = rate
        rng = np.random.RandomState([schedule.seed, progress.step])
        share = recipe_of(self._config).augmentation.feature_mask_share
        model.reset_metrics()
        found = model.train_on_batch(
            masked(
                rng,
                batch.frames,
                share,
                bins_part=MASKED_BINS_PART,
                moments_part=MASKED_MOMENTS_PART,
            ),
            batch.targets,
            batch.weights,
            return_dict=True,
        )
        self._recent.append((float(found["categorical_accuracy"]), float(found["loss"])))
        progress.step += 1
        progress.averages = moving_average.update(
            progress.averages, model, schedule.average_momentum, progress.step
        )
        done = progress.step == schedule.total_steps
        if progress.step % schedule.log_steps == 0 or progress.step == 1:
            accuracy, loss = np.mean(self._recent[-schedule.log_steps :], axis=0)
            log.info(
                "Step #%d: rate %f, accuracy %.1f%%, cross entropy %f",
                progress.step,
                rate,
                100 * accuracy,
                loss,
            )
        if done or progress.step % schedule.evaluation_steps == 0:
            self._evaluate(rate)
        if done or progress.step % schedule.checkpoint_steps == 0:
            for name in (CHECKPOINT, f"checkpoint-{progress.step}.npz"):
                checkpoint.save(self._folder / WORK / name, model, progress)

    def finish(self) -> Outcome:
        """Settle the best network's prior, test it once, and return how the run ended."""
        model = keras.models.load_model(self._folder / BEST_MODEL, compile=False)
        best = network_of(model)
        self._settle_prior(model, best)
        validation = judge(self._config, best, self._validation)
        testing = judge(self._config, best, judged_clips(self._config, self._roots, "testing"))
        log.info("Confusion Matrix:\n%s", testing.text())
        log.info("Final test accuracy = %.1f%% (N=%d)", 100 * testing.accuracy, testing.total)
        return Outcome(self._progress.step, validation, testing)

    def _settle_prior(self, model: keras.Model, network: Network) -> None:
        """Move the bias of the unknown to where most validation clips are right."""
        config = self._config
        offset = best_offset(
            posteriors_of(config, network, self._validation),
            [clip.label for clip in self._validation],
            config.labels,
            average_steps(config),
        )
        if offset:
            shift_bias(model, config.labels.index(UNKNOWN), offset)
            checkpoint.save_model(model, self._folder / BEST_MODEL)
            log.info("bias of %s: %+.2f, by the validation clips", UNKNOWN, offset)

    def _evaluate(self, rate: float) -> None:
        progress = self._progress
        with moving_average.averaged(self._model, progress.averages):
            confusion = judge(self._config, self._network, self._validation)
            if 1.0 - confusion.accuracy < progress.best_metric:
                progress.best_metric = 1.0 - confusion.accuracy
                progress.evaluations_without_gain = 0
                checkpoint.save_model(self._model, self._folder / BEST_MODEL)
            else:
                progress.evaluations_without_gain += 1
        log.info("Confusion Matrix:\n%s", confusion.text())
        log.info(
            "Step %d: Validation accuracy = %.1f%% (N=%d)",
            progress.step,
            100 * confusion.accuracy,
            confusion.total,
        )
        accuracy, loss = np.mean(self._recent, axis=0)
        self._recent = []
        row = (
            progress.step,
            f"{rate:g}",
            f"{accuracy:.4f}",
            f"{loss:.5f}",
            f"{confusion.accuracy:.4f}",
            confusion.total,
        )
        with (self._folder / LOG).open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row)

    def _keep_log(self, step: int) -> None:
        """Begin the log, or drop the rows past `step`, which will be written again."""
        path = self._folder / LOG
        rows: list[list[str]] = []
        if step and path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
