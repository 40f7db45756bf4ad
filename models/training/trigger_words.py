"""Training of trigger words: judged by detections in made clips of speakers kept out."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from models.clips.batches import Batch, TriggerWordClips
from models.clips.maker import TrainingClip
from models.clips.masks import masked
from models.settings.config import Config
from models.training.development_score import mean_miss_rate
from models.training.task import Judgement, Network

CLIPS_PER_JOB = 32
DEVELOPMENT_SEED = 777_000
MASKED_BINS_PART = 8


class TriggerWords:
    """The task of a configuration of trigger words."""

    loss = "binary_crossentropy"
    metrics: tuple[keras.metrics.Metric, ...] = ()

    def __init__(self, config: Config, roots: tuple[Path, ...]) -> None:
        """roots: folders that hold the sources."""
        self.config = config
        self._recipe = config.trigger_recipe
        self._roots = roots
        self._clips: list[TrainingClip] = []

    @property
    def make_batch(self) -> Callable[[int], Batch]:
        schedule = self.config.schedule
        return TriggerWordClips(self.config, self._roots, schedule.seed, schedule.batch_size).batch

    def prepare(self, executor: Executor) -> None:
        """Make the development clips."""
        count = self.config.schedule.development_clips
        clips = TriggerWordClips(
            self.config, self._roots, DEVELOPMENT_SEED, 1, self._recipe.held_out_folds
        )
        futures = [
            executor.submit(clips.clips, range(first, min(first + CLIPS_PER_JOB, count)))
            for first in range(0, count, CLIPS_PER_JOB)
        ]
        bar = tqdm(futures, desc="development clips", leave=False)
        self._clips = [clip for future in bar for clip in future.result()]

    def step_batch(self, rng: np.random.RandomState, batch: Batch) -> Batch:
        """Return the batch, some bins masked and labelled steps weighted."""
        augmentation = self._recipe.augmentation
        share = augmentation.feature_mask_share if augmentation else 0.0
        frames = masked(rng, batch.frames, share, bins_part=MASKED_BINS_PART)
        boost = 1.0 + (self.config.schedule.positive_weight - 1.0) * batch.targets.max(axis=2)
        return Batch(frames, batch.targets, batch.weights * boost)

    def describe(self, means: Mapping[str, float]) -> str:
        return f"loss {means['loss']:.4f}"

    def judge(self, network: Network, step: int) -> Judgement:  # noqa: ARG002
        """Return the mean miss rate at few false accepts."""
        rate = mean_miss_rate(network, self._clips, self._recipe.clip_seconds * 1000)
        return Judgement(rate, {"mean_miss_rate": rate})

    def finish(self, best: Path, error: float) -> dict[str, Any]:  # noqa: ARG002
        """Return how the best network was judged, and on how much."""
        hours = len(self._clips) * self._recipe.clip_seconds / 3600
        words = sum(not word.cut for clip in self._clips for word in clip.words)
        judged = {"mean_miss_rate": round(error, 4), "words": words, "hours": round(hours, 3)}
        sources = [asdict(source) for source in self._recipe.sources]
        return {"development": judged, "sources": sources}
