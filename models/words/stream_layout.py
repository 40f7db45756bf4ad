"""The stream layout: several command words in a clip, each answered after its end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_py.labels import SILENCE, UNKNOWN
from firmware_py.level import to_int16
from models.clips.augmentation import Scene, record
from models.clips.noise import Signal
from models.settings.config import Config
from models.words.pools import Pools

EDGE_SECONDS = 0.05
"""Left around a word that is cut out, faded."""
RMS = 3000.0
"""Level at which recordings meet, int16 units."""
MID_WORD_SECONDS = 0.15
"""An unknown word is the target from so long after its start."""


@dataclass(frozen=True)
class Placed:
    """A word in a clip, in samples."""

    label: int
    start: int
    end: int


class StreamLayout:
    """Lays words at random into clips of a few seconds."""

    def __init__(self, config: Config, pools: Pools) -> None:
        self._config = config
        self._recipe = config.words_recipe
        self._pools = pools
        self._rate_hz = config.front_end.sample_rate_hz

    def compose(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], list[Placed]]:
        """Return a clip with several words, int16 [samples], and where they are."""
        layout = self._recipe.layout
        speech = np.zeros(round(layout.clip_seconds * self._rate_hz), np.float32)
        placed: list[Placed] = []
        if rng.uniform() >= layout.empty_share:
            position = int(rng.uniform(-0.5, 0.9) * self._rate_hz)
            while position < len(speech):
                samples, word = self._draw(rng, position)
                first, last = max(0, position), min(len(speech), position + len(samples))
                if first < last:
                    speech[first:last] += samples[first - position : last - position]
                    placed.append(word)
                pause = rng.uniform(*layout.pause_seconds)
                position = max(position + len(samples), word.end) + int(pause * self._rate_hz)
        return self._heard(rng, speech), placed

    def _draw(self, rng: np.random.RandomState, position: int) -> tuple[Signal, Placed]:
        """Return a recording as it will be heard, and its word at `position`."""
        layout, augmentation = self._recipe.layout, self._recipe.augmentation
        unknown = rng.uniform() < layout.unknown_share
        name = UNKNOWN if unknown else self._pools.words[rng.randint(len(self._pools.words))]
        take = self._pools.draw(rng, name)
        samples, start, end = take.samples.astype(np.float32), take.word_start, take.word_end
        power = float(np.mean(samples[start:end] ** 2)) + 1e-9
        if rng.uniform() < layout.trimmed_share:
            samples, start, end = self._trimmed(samples, start, end)
        gain_db = rng.uniform(*augmentation.item_gain_db)
        samples *= RMS / np.sqrt(power) * 10 ** (gain_db / 20)
        label = self._index(UNKNOWN) if unknown else self._config.labels.index(name)
        return samples, Placed(label, position + start, position + end)

    def _trimmed(self, samples: Signal, start: int, end: int) -> tuple[Signal, int, int]:
        edge = round(EDGE_SECONDS * self._rate_hz)
        first, last = max(0, start - edge), min(len(samples), end + edge)
        samples = samples[first:last].copy()
        fade = np.linspace(0.0, 1.0, min(edge, len(samples) // 4), dtype=np.float32)
        samples[: len(fade)] *= fade
        samples[len(samples) - len(fade) :] *= fade[::-1]
        return samples, start - first, end - first

    def _heard(self, rng: np.random.RandomState, speech: Signal) -> NDArray[np.int16]:
        """Return what a microphone hears; without added noise for a share of the clips."""
        augmentation, layout = self._recipe.augmentation, self._recipe.layout
        if speech.any() and rng.uniform() < layout.quiet_share:
            loudest = float(np.sqrt(np.mean(speech[speech != 0] ** 2)))
            level = 32768.0 * 10 ** (rng.uniform(*augmentation.level_dbfs) / 20)
            return to_int16(speech * (level / loudest))
        noise = None
        if rng.uniform() >= augmentation.coloured_noise_share and self._pools.backgrounds:
            noise = self._pools.background(rng, len(speech)).astype(np.float32)
        return record(rng, Scene(speech, noise), augmentation, self._rate_hz)

    def _index(self, label: str) -> int:
        return self._config.labels.index(label) if label in self._config.labels else -1

    def label(
        self, words: Sequence[Placed], num_frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return targets, one-hot float32 [steps, labels], and weights, float32 [steps]."""
        config, layout = self._config, self._recipe.layout
        num_steps = config.network.num_steps(num_frames)
        front_end, network = config.front_end, config.network
        ends = np.arange(num_steps) * network.stride + network.kernel_size - 1
        heard = (ends * front_end.hop_length + front_end.span_length) / front_end.sample_rate_hz
        classes = np.full(num_steps, self._index(SILENCE))
        weights = np.ones(num_steps, np.float32)
        before, after = layout.ignored_seconds
        unknown = self._index(UNKNOWN)
        for word in sorted(words, key=lambda word: word.start):
            start, end = word.start / self._rate_hz, word.end / self._rate_hz
            last = end + layout.label_seconds
            weights[(heard > start) & (heard <= last + after)] = 0.0
            first = min(start + MID_WORD_SECONDS, end) if word.label == unknown else end
            labelled = (heard > first) & (heard <= last)
            classes[heard > start] = self._index(SILENCE)
            classes[labelled] = word.label
            weights[labelled] = layout.word_weight
            if word.label == unknown:  # it has more labelled steps than a word
                weights[labelled] = 1.0
                weights[(heard > first) & (heard <= end - before)] = 1.0
            if start < 0:  # the clip begins in the middle of it
                weights[heard <= last + after] = 0.0
        targets = np.zeros((num_steps, len(config.labels)), np.float32)
        targets[np.arange(num_steps), classes] = 1.0
        return targets, weights
