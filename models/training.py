"""The training loop: resumable at any moment, judged by detections."""

import csv
import logging
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models import checkpoint, development
from models.architecture import build
from models.batches import Batch, Job, make_clips, stream_batches
from models.clips import Clip
from models.config import Config
from models.recipe import Schedule

CHECKPOINT = "checkpoint.npz"
BEST_MODEL = "model.keras"
LOG = "training.csv"
NORMALISATION_CLIPS = 256
AHEAD = 6
CLIPS_PER_TASK = 32
DEVELOPMENT_SEED = 777_000

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
    front_end = config.front_end
    if front_end.log_epsilon is None or front_end.mean:
        return config
    job = Job(config, roots, config.schedule.seed, 1)
    clips = executor.submit(make_clips, job, range(NORMALISATION_CLIPS)).result()
    frames = np.concatenate([clip.frames for clip in clips]).astype(np.float64)
    mean = tuple(float(value) for value in np.round(frames.mean(axis=0), 5))
    deviation = tuple(float(value) for value in np.round(frames.std(axis=0), 5))
    return replace(config, front_end=replace(front_end, mean=mean, deviation=deviation))


def train(
    config: Config, roots: tuple[Path, ...], folder: Path, executor: Executor, resume: bool
) -> Outcome:
    """Train to the end of the schedule; leaves model.keras, training.csv and a checkpoint.

    config: with its normalisation settled.
    executor: makes the batches; the same batches in the same order whatever it is.
    """
    schedule = config.schedule
    keras.utils.set_random_seed(schedule.seed)
    model = build(config.network, config.front_end.num_bins, len(config.labels))
    model.compile(optimizer=_optimiser(schedule), loss="binary_crossentropy")
    model.optimizer.build(model.trainable_variables)
    path = folder / CHECKPOINT
    progress = checkpoint.load(path, model) if resume and path.exists() else checkpoint.Progress()
    clips = _development_clips(config, roots, executor)
    run = _Run(config, folder, model, progress, clips)
    job = Job(config, roots, schedule.seed, schedule.batch_size)
    first = progress.step // schedule.repeats
    last = -(-schedule.steps // schedule.repeats)
    bar = tqdm(total=schedule.steps, initial=progress.step, unit="step", desc=config.name)
    for number, batch in enumerate(stream_batches(job, executor, first, last, AHEAD), first):
        for repeat in range(schedule.repeats):
            step = number * schedule.repeats + repeat
            if step < progress.step or step >= schedule.steps:
                continue
            run.step(batch)
            bar.update()
        if run.exhausted:
            log.info("no gain in %d evaluations: stopped early", schedule.patience_evaluations)
            break
    bar.close()
    return run.finish()


class _Run:
    """One run in progress."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        model: keras.Model,
        progress: checkpoint.Progress,
        clips: list[Clip],
    ) -> None:
        self._config = config
        self._folder = folder
        self._model = model
        self._progress = progress
        self._clips = clips
        self._losses: list[float] = []
        self._scored = development.Scores(float("nan"), 0, 0.0)

    @property
    def exhausted(self) -> bool:
        patience = self._config.schedule.patience_evaluations
        return bool(patience) and self._progress.evaluations_without_gain >= patience

    def step(self, batch: Batch) -> None:
        schedule = self._config.schedule
        rng = np.random.RandomState([schedule.seed, self._progress.step])
        frames = self._masked(batch.frames, rng)
        boost = 1.0 + (schedule.positive_weight - 1.0) * batch.targets.max(axis=2)
        loss = self._model.train_on_batch(frames, batch.targets, batch.weights * boost)
        self._losses.append(float(loss))
        self._progress.step += 1
        self._average()
        done = self._progress.step == schedule.steps
        if done or self._progress.step % schedule.evaluation_steps == 0:
            self._evaluate()
        if done or self._progress.step % schedule.checkpoint_steps == 0:
            checkpoint.save(self._folder / CHECKPOINT, self._model, self._progress)

    def finish(self) -> Outcome:
        scores = self._scored
        return Outcome(self._progress.step, self._progress.best_metric, scores.words, scores.hours)

    def _masked(
        self, frames: NDArray[np.float32], rng: np.random.RandomState
    ) -> NDArray[np.float32]:
        """Return frames with a few neighbouring bins of some clips set to their mean.

        SpecAugment's frequency masks (Park et al., 2019).
        """
        augmentation = self._config.recipe.augmentation
        if augmentation is None or not augmentation.feature_mask_share:
            return frames
        frames = frames.copy()
        for clip in np.flatnonzero(rng.uniform(size=len(frames)) < augmentation.feature_mask_share):
            width = rng.randint(1, max(2, frames.shape[2] // 8))
            start = rng.randint(frames.shape[2] - width)
            frames[clip, :, start : start + width] = 0.0
        return frames

    def _average(self) -> None:
        momentum = self._config.schedule.average_momentum
        if not momentum:
            return
        weights = self._model.get_weights()
        averages = self._progress.averages
        if not averages:
            self._progress.averages = weights
            return
        share = min(momentum, self._progress.step / (self._progress.step + 10.0))
        for average, weight in zip(averages, weights, strict=True):
            average += (1.0 - share) * (weight - average)

    def _evaluate(self) -> None:
        with self._averaged_weights():
            clip_ms = self._config.recipe.clip_seconds * 1000
            self._scored = development.score(self._model, self._clips, clip_ms)
            metric = self._scored.mean_miss_rate
            if metric < self._progress.best_metric:
                self._progress.best_metric = metric
                self._progress.evaluations_without_gain = 0
                _save_model(self._model, self._folder / BEST_MODEL)
            else:
                self._progress.evaluations_without_gain += 1
        self._log(metric)
        self._losses = []

    def _averaged_weights(self) -> "_Weights":
        return _Weights(self._model, self._progress.averages)

    def _log(self, metric: float) -> None:
        path = self._folder / LOG
        new = not path.exists()
        loss = float(np.mean(self._losses))
        rate = float(np.asarray(self._model.optimizer.learning_rate))
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "loss", "learning_rate", "mean_miss_rate"])
            writer.writerow([self._progress.step, f"{loss:.5f}", f"{rate:.3g}", f"{metric:.4f}"])
        log.info("step %d: loss %.4f, rate %.2g, mean miss rate %.3f (best %.3f)",
                 self._progress.step, loss, rate, metric, self._progress.best_metric)  # fmt: skip


class _Weights:
    """Puts other weights into a model for a while."""

    def __init__(self, model: keras.Model, weights: list[NDArray[np.float32]]) -> None:
        self._model = model
        self._weights = weights

    def __enter__(self) -> None:
        self._own = self._model.get_weights()
        if self._weights:
            self._model.set_weights(self._weights)

    def __exit__(self, *_: object) -> None:
        self._model.set_weights(self._own)


def _development_clips(config: Config, roots: tuple[Path, ...], executor: Executor) -> list[Clip]:
    count = config.schedule.development_clips
    job = Job(config, roots, DEVELOPMENT_SEED, 1, config.recipe.held_out_folds)
    futures = [
        executor.submit(make_clips, job, range(first, min(first + CLIPS_PER_TASK, count)))
        for first in range(0, count, CLIPS_PER_TASK)
    ]
    bar = tqdm(futures, desc="development clips", leave=False)
    return [clip for future in bar for clip in future.result()]


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


def _save_model(model: keras.Model, path: Path) -> None:
    temporary = path.with_name("writing-" + path.name)
    model.save(temporary)
    temporary.replace(path)
