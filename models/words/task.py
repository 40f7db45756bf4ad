"""Training of command words: judged by clips of the speakers who validate, tested once."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from firmware_py.labels import UNKNOWN
from models.clips.batches import Batch
from models.clips.masks import masked
from models.settings.config import Config
from models.training.checkpoint import save_model
from models.training.task import Judgement, Network, network_of
from models.words.calibration import best_offset, shift_bias
from models.words.examples import ExampleJob
from models.words.offline import average_steps, judged_clips, keras_answers, posteriors_of
from models.words.presented import PresentedWord

MASKED_BINS_PART, MASKED_MOMENTS_PART = 6, 30

log = logging.getLogger(__name__)


class CommandWords:
    """The task of a configuration of command words."""

    def __init__(self, config: Config, roots: tuple[Path, ...]) -> None:
        """roots: folders that hold the data set and the extra folders."""
        self.config = config
        self.loss = keras.losses.CategoricalCrossentropy(
            label_smoothing=config.schedule.label_smoothing
        )
        self.metrics = (keras.metrics.CategoricalAccuracy(name="accuracy"),)
        self._recipe = config.words_recipe
        self._roots = roots
        self._validation: list[PresentedWord] = []

    @property
    def make_batch(self) -> Callable[[int], Batch]:
        schedule = self.config.schedule
        job = ExampleJob(self.config, self._roots, "training", schedule.seed, schedule.batch_size)
        return job.batch

    def prepare(self, executor: Executor) -> None:  # noqa: ARG002
        """Read the clips of the speakers who validate."""
        self._validation = judged_clips(self.config, self._roots, "validation")

    def step_batch(self, rng: np.random.RandomState, batch: Batch) -> Batch:
        """Return the batch, some bins and some moments masked."""
        frames = masked(
            rng,
            batch.frames,
            self._recipe.augmentation.feature_mask_share,
            bins_part=MASKED_BINS_PART,
            moments_part=MASKED_MOMENTS_PART,
        )
        return Batch(frames, batch.targets, batch.weights)

    def describe(self, means: Mapping[str, float]) -> str:
        return f"accuracy {100 * means['accuracy']:.1f}%, cross entropy {means['loss']:f}"

    def judge(self, network: Network, step: int) -> Judgement:
        """Return the share of wrong answers to the validation clips."""
        found = keras_answers(self.config, network, self._validation)
        log.info("Confusion Matrix:\n%s", found.text())
        log.info(
            "Step %d: Validation accuracy = %.1f%% (N=%d)", step, 100 * found.accuracy, found.total
        )
        figures = {"validation_accuracy": found.accuracy, "validation_clips": found.total}
        return Judgement(1.0 - found.accuracy, figures)

    def finish(self, best: Path, error: float) -> dict[str, Any]:  # noqa: ARG002
        """Settle the best network's prior and test it once."""
        model = keras.models.load_model(best, compile=False)
        network = network_of(model)
        self._settle_prior(model, network, best)
        validation = keras_answers(self.config, network, self._validation)
        testing = keras_answers(
            self.config, network, judged_clips(self.config, self._roots, "testing")
        )
        log.info("Confusion Matrix:\n%s", testing.text())
        log.info("Final test accuracy = %.1f%% (N=%d)", 100 * testing.accuracy, testing.total)
        return {
            "validation_accuracy": round(validation.accuracy, 4),
            "validation_clips": validation.total,
            "test": testing.mapping(),
            "sources": [self._recipe.folder, *(extra.path for extra in self._recipe.extras)],
            "division": asdict(self._recipe.division),
        }

    def _settle_prior(self, model: keras.Model, network: Network, path: Path) -> None:
        """Move the bias of the unknown to where most validation clips are right."""
        config = self.config
        offset = best_offset(
            posteriors_of(config, network, self._validation),
            [clip.label for clip in self._validation],
            config.labels,
            average_steps(config),
        )
        if offset:
            shift_bias(model, config.labels.index(UNKNOWN), offset)
            save_model(model, path)
            log.info("bias of %s: %+.2f, by the validation clips", UNKNOWN, offset)
