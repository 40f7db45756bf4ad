"""The training loop: resumable at any moment, judged by detections."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from models.clips.batches import Batch, Job, make_clips, stream_batches
from models.clips.maker import Clip
from models.clips.masks import masked
from models.settings.config import Config
from models.training import checkpoint, development_score, moving_average
from models.training.compilation import build_and_compile
from models.training.devices import Devices
from models.training.log import TrainingLog
from models.training.normalisation import needs_normalisation, normalised
from models.training.settled import BEST_MODEL

CHECKPOINT = "checkpoint.npz"
NORMALISATION_CLIPS = 256
AHEAD = 6
CLIPS_PER_TASK = 32
DEVELOPMENT_SEED = 777_000
MASKED_BINS_PART = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    steps: int
    metric: float
    words: int
    hours: float


def with_normalisation(config: Config, roots: tuple[Path, ...], executor: Executor) -> Config:
    """Return the configuration with mean and deviation per bin measured on training clips.

    A front end without logarithm, or with given values, stays as it is.
    """
    if not needs_normalisation(config):
        return config
    job = Job(config, roots, config.schedule.seed, 1)
    clips = executor.submit(make_clips, job, range(NORMALISATION_CLIPS)).result()
    return normalised(config, np.concatenate([clip.frames for clip in clips]).astype(np.float64))


def train(
    config: Config,
    roots: tuple[Path, ...],
    folder: Path,
    executor: Executor,
    resume: bool,
    *,
    start: Path | None = None,
    remark: Callable[[float], str] = lambda _: "",
) -> Outcome:
    """Train to the end of the schedule; leaves model.keras, a log and a checkpoint in `folder`.

    config: with its normalisation settled.
    executor: makes the batches; the same batches in the same order whatever it is.
    start: a trained network to go on from, its batch normalisations frozen (fine-tuning).
    remark: is given the seconds that are left; what it returns stands beside the progress bar.
    """
    schedule = config.schedule
    devices = Devices(schedule)
    model = build_and_compile(config, devices, start)
    path = folder / CHECKPOINT
    progress = checkpoint.load(path, model) if resume and path.exists() else checkpoint.Progress()
    clips = _development_clips(config, roots, executor)
    run = _Run(config, folder, devices, model, progress, clips)
    job = Job(config, roots, schedule.seed, schedule.batch_size)
    first = progress.step // schedule.repeats
    last = -(-schedule.steps // schedule.repeats)
    with progress_bar(config.name, schedule.steps, progress.step) as bar:
        for number, batch in enumerate(stream_batches(job, executor, first, last, AHEAD), first):
            for repeat in range(schedule.repeats):
                step = number * schedule.repeats + repeat
                if step < progress.step or step >= schedule.steps:
                    continue
                loss = run.step(batch)
                bar.set_postfix_str(f"loss {loss:.3f} {remark(_seconds_left(bar))}", refresh=False)
                bar.update()
            if run.exhausted:
                log.info("no gain in %d evaluations: stopped", schedule.patience_evaluations)
                break
    return run.finish()


@contextmanager
def progress_bar(name: str, total: int, step: int) -> Iterator["tqdm[Any]"]:
    """Show the steps of a run that has made `step` of `total`; log lines go around the bar."""
    bar = tqdm(total=total, initial=step, unit="step", desc=name, smoothing=0.05)
    with logging_redirect_tqdm(), bar:
        yield bar


def _seconds_left(bar: "tqdm[Any]") -> float:
    """Return how long the rest takes at the rate so far, NaN before the first steps."""
    rate = bar.format_dict["rate"] or (bar.n - bar.initial) / max(bar.format_dict["elapsed"], 1e-9)
    return (bar.total - bar.n) / rate if rate else float("nan")


class _Run:
    """One run in progress."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        devices: Devices,
        model: keras.Model,
        progress: checkpoint.Progress,
        clips: list[Clip],
    ) -> None:
        self._config = config
        self._folder = folder
        self._devices = devices
        self._model = model
        self._network = development_score.network_of(model)
        self._progress = progress
        self._clips = clips
        self._log = TrainingLog(folder, progress.step)
        self._scored: development_score.Scores | None = None

    @property
    def exhausted(self) -> bool:
        patience = self._config.schedule.patience_evaluations
        return bool(patience) and self._progress.evaluations_without_gain >= patience

    @property
    def _learning_rate(self) -> float:
        return float(np.asarray(self._model.optimizer.learning_rate))

    def step(self, batch: Batch) -> float:
        """Learn from a batch and return its loss; evaluate and save where the schedule says so."""
        schedule = self._config.schedule
        rng = np.random.RandomState([schedule.seed, self._progress.step])
        augmentation = self._config.recipe.augmentation
        share = augmentation.feature_mask_share if augmentation else 0.0
        frames = masked(rng, batch.frames, share, bins_part=MASKED_BINS_PART)
        boost = 1.0 + (schedule.positive_weight - 1.0) * batch.targets.max(axis=2)
        loss = self._devices.learn(self._model, frames, batch.targets, batch.weights * boost)
        progress = self._progress
        progress.step += 1
        self._log.step(progress.step, loss, self._learning_rate)
        progress.averages = moving_average.update(
            progress.averages, self._model, schedule.average_momentum, progress.step
        )
        done = progress.step == schedule.steps
        if done or progress.step % schedule.evaluation_steps == 0:
            self._evaluate()
        if done or progress.step % schedule.checkpoint_steps == 0:
            checkpoint.save(self._folder / CHECKPOINT, self._model, progress)
        return loss

    def finish(self) -> Outcome:
        self._log.close()
        scores = self._scored or self._score()  # a run that was resumed at its end
        return Outcome(self._progress.step, self._progress.best_metric, scores.words, scores.hours)

    def _evaluate(self) -> None:
        with moving_average.averaged(self._model, self._progress.averages):
            self._scored = self._score()
            metric = self._scored.mean_miss_rate
            if metric < self._progress.best_metric:
                self._progress.best_metric = metric
                self._progress.evaluations_without_gain = 0
                checkpoint.save_model(self._model, self._folder / BEST_MODEL)
            else:
                self._progress.evaluations_without_gain += 1
        progress = self._progress
        self._log.evaluation(progress.step, self._learning_rate, metric, progress.best_metric)

    def _score(self) -> development_score.Scores:
        clip_ms = self._config.recipe.clip_seconds * 1000
        return development_score.score(self._network, self._clips, clip_ms)


def _development_clips(config: Config, roots: tuple[Path, ...], executor: Executor) -> list[Clip]:
    count = config.schedule.development_clips
    job = Job(config, roots, DEVELOPMENT_SEED, 1, config.recipe.held_out_folds)
    futures = [
        executor.submit(make_clips, job, range(first, min(first + CLIPS_PER_TASK, count)))
        for first in range(0, count, CLIPS_PER_TASK)
    ]
    bar = tqdm(futures, desc="development clips", leave=False)
    return [clip for future in bar for clip in future.result()]
