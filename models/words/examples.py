"""Training examples of command words: audio, frames, and the label of each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.command_words import SILENCE, UNKNOWN, is_word
from firmware_py.level import to_int16
from models.clips.augmentation import Scene, Signal, record
from models.clips.batches import Batch
from models.clips.variations import at_speed
from models.recordings.sources import Take
from models.settings.config import Config
from models.settings.words import WordsRecipe
from models.words.corpus import Corpus, Said, load_corpus
from models.words.division import Part

EDGE_SECONDS = 0.05
"""Left around a word that is cut out, faded."""
RMS = 3000.0
"""Level at which recordings meet, int16 units."""
MID_WORD_SECONDS = 0.15
"""An unknown word is the target from so long after its start."""
PART_MS = (450.0, 750.0)
"""How far a word is shifted out of the second that then holds a part of it."""


@dataclass(frozen=True)
class ExampleJob:
    """What a worker needs to make any batch; the same job and index give the same batch."""

    config: Config
    roots: tuple[Path, ...]
    part: Part
    seed: int
    batch_size: int


@dataclass(frozen=True)
class Placed:
    """A word in a clip, in samples."""

    label: int
    start: int
    end: int


def make_batch(job: ExampleJob, index: int) -> Batch:
    """Return batch `index` of the job; targets are one-hot, [clips, steps, labels]."""
    maker = _maker(job.config, job.roots, job.part)
    first = index * job.batch_size
    examples = [maker.make(job.seed, number) for number in range(first, first + job.batch_size)]
    frames, targets, weights = (np.stack(parts) for parts in zip(*examples, strict=True))
    return Batch(frames, targets, weights)


@lru_cache(maxsize=4)
def _maker(config: Config, roots: tuple[Path, ...], part: Part) -> "ExampleMaker":
    assert config.words is not None, "only called for command words"
    corpus = load_corpus(config.words, roots, part, config.front_end.sample_rate_hz)
    return ExampleMaker(config, config.words, corpus)


class ExampleMaker:
    """Makes examples of one part; example i of a seed is always the same."""

    def __init__(self, config: Config, recipe: WordsRecipe, corpus: Corpus) -> None:
        self.config = config
        self.recipe = recipe
        self.corpus = corpus
        self._rate_hz = config.front_end.sample_rate_hz
        self._pools = {
            label: _Pool(corpus.of(label, config.labels))
            for label in (*filter(is_word, config.labels), UNKNOWN)
        }
        self._words = [label for label in config.labels if is_word(label)]

    def make(
        self, seed: int, index: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return frames [frames, bins], targets [steps, labels] and weights [steps]."""
        rng = np.random.RandomState([seed, index])
        if self.config.window:
            return self._window_example(rng)
        samples, placed = self.stream(rng)
        frames = self.config.front_end.compute(samples)
        targets, weights = self._steps(placed, len(frames))
        return frames, targets, weights

    def stream(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], list[Placed]]:
        """Return a clip with several words in it and where they are."""
        layout = self.recipe.layout
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
        layout, augmentation = self.recipe.layout, self.recipe.augmentation
        unknown = rng.uniform() < layout.unknown_share
        name = UNKNOWN if unknown else self._words[rng.randint(len(self._words))]
        take = self._varied(rng, name)
        samples, start, end = take.samples.astype(np.float32), take.word_start, take.word_end
        power = float(np.mean(samples[start:end] ** 2)) + 1e-9
        if rng.uniform() < layout.trimmed_share:
            samples, start, end = self._trimmed(samples, start, end)
        gain_db = rng.uniform(*augmentation.item_gain_db)
        samples *= RMS / np.sqrt(power) * 10 ** (gain_db / 20)
        label = self._index(UNKNOWN) if unknown else self.config.labels.index(name)
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
        augmentation, layout = self.recipe.augmentation, self.recipe.layout
        if speech.any() and rng.uniform() < layout.quiet_share:
            loudest = float(np.sqrt(np.mean(speech[speech != 0] ** 2)))
            level = 32768.0 * 10 ** (rng.uniform(*augmentation.level_dbfs) / 20)
            return to_int16(speech * (level / loudest))
        noise = None
        if rng.uniform() >= augmentation.coloured_noise_share and self.corpus.backgrounds:
            noise = self.background(rng, len(speech)).astype(np.float32)
        return record(rng, Scene(speech, noise), augmentation, self._rate_hz)

    def background(self, rng: np.random.RandomState, length: int) -> NDArray[np.int16]:
        """Return a random stretch of the part's background noise, repeated where it is short."""
        samples = self.corpus.backgrounds[rng.randint(len(self.corpus.backgrounds))]
        if len(samples) < length:
            samples = np.tile(samples, -(-length // len(samples)))
        start = rng.randint(len(samples) - length + 1)
        return samples[start : start + length]

    def _index(self, label: str) -> int:
        return self.config.labels.index(label) if label in self.config.labels else -1

    def _steps(
        self, placed: Sequence[Placed], num_frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return targets, one-hot [steps, labels], and weights [steps] of a stream."""
        config, layout = self.config, self.recipe.layout
        num_steps = config.network.num_steps(num_frames)
        front_end, network = config.front_end, config.network
        ends = np.arange(num_steps) * network.stride + network.kernel_size - 1
        heard = (ends * front_end.hop_length + front_end.span_length) / front_end.sample_rate_hz
        classes = np.full(num_steps, self._index(SILENCE))
        weights = np.ones(num_steps, np.float32)
        before, after = layout.ignored_seconds
        unknown = self._index(UNKNOWN)
        for word in sorted(placed, key=lambda word: word.start):
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

    def _window_example(
        self, rng: np.random.RandomState
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return one second with one word or none, mixed with background noise, as one step."""
        num_labels = len(self.config.labels)
        if rng.uniform() < self.recipe.nothing_share:
            samples = self._nothing(rng)
            targets = np.full((1, num_labels), 1.0 / num_labels, np.float32)
        else:
            label = rng.randint(num_labels)
            take = self._varied(rng, self.config.labels[label])
            samples = shifted(rng, take.samples, self._rate_hz, self.recipe.shift_ms)
            targets = np.zeros((1, num_labels), np.float32)
            targets[0, label] = 1.0
        if rng.uniform() < self.recipe.background_share and self.corpus.backgrounds:
            samples = self._mixed(rng, samples)
        return self.config.front_end.compute(samples), targets, np.ones(1, np.float32)

    def _nothing(self, rng: np.random.RandomState) -> NDArray[np.int16]:
        """Return a second of silence, of another word, or with a part of a word at one end."""
        kind = rng.randint(3)
        if kind == 0:
            return np.zeros(self._rate_hz, np.int16)
        if kind == 1:
            return shifted(rng, self._varied(rng, UNKNOWN).samples, self._rate_hz, PART_MS[1])
        word = self._varied(rng, self._words[rng.randint(len(self._words))])
        shift_ms = rng.uniform(*PART_MS) * rng.choice((-1, 1))
        return one_second(word.samples, self._rate_hz, round(shift_ms * self._rate_hz / 1000))

    def _varied(self, rng: np.random.RandomState, label: str) -> Take:
        """Return a recording of a word, some faster or slower."""
        take, augmentation = self._pools[label].draw(rng).take, self.recipe.augmentation
        if rng.uniform() < augmentation.speed_share:
            take = at_speed(take, rng.uniform(*augmentation.speed))
        return take

    def _mixed(self, rng: np.random.RandomState, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        noise = self.background(rng, len(samples)).astype(np.float32)
        scene = Scene(samples.astype(np.float32), noise)
        return record(rng, scene, self.recipe.augmentation, self._rate_hz)


class _Pool:
    """Recordings to draw from, each as often as its share says."""

    def __init__(self, said: Sequence[Said]) -> None:
        self._said = said
        shares = np.array([each.share for each in said])
        self._edges = np.cumsum(shares) / max(1e-9, shares.sum())

    def draw(self, rng: np.random.RandomState) -> Said:
        index = int(np.searchsorted(self._edges, rng.uniform()))
        return self._said[min(index, len(self._said) - 1)]


def shifted(
    rng: np.random.RandomState, samples: NDArray[np.int16], sample_rate_hz: int, most_ms: float
) -> NDArray[np.int16]:
    """Return exactly one second, moved by up to `most_ms` either way; zeros come in."""
    shift = round(rng.uniform(-most_ms, most_ms) * sample_rate_hz / 1000)
    return one_second(samples, sample_rate_hz, shift)


def one_second(
    samples: NDArray[np.int16], sample_rate_hz: int, shift: int = 0
) -> NDArray[np.int16]:
    """Return the middle second of a recording, zeros around a shorter one."""
    clip = np.zeros(sample_rate_hz, np.int16)
    position = (sample_rate_hz - len(samples)) // 2 + shift
    first, last = max(0, position), min(sample_rate_hz, position + len(samples))
    if first < last:
        clip[first:last] = samples[first - position : last - position]
    return clip
