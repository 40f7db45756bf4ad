"""The dialogue layout: words, sentences and pauses over noise, as a microphone hears them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.clips.augmentation import Scene, happens, record
from models.clips.banks import Banks
from models.clips.noise import Signal
from models.clips.positive import Positive, first_step
from models.clips.variations import at_speed, cut_short, fragment, random_stretch
from models.recordings.sources import Bank, BankRecording
from models.settings.config import Config
from models.settings.recipe import Augmentation, Dialogue, Source

BABBLE_VOICES = (3, 7)


class DialogueLayout:
    """Lays out clips as a sequence of items and pauses, over noise."""

    def __init__(
        self, config: Config, banks: Banks, dialogue: Dialogue, augmentation: Augmentation
    ) -> None:
        self.banks = banks
        self._config = config
        self._dialogue = dialogue
        self._augmentation = augmentation
        self._rate_hz = banks.sample_rate_hz
        self._length = round(config.trigger_recipe.clip_seconds * self._rate_hz)
        if dialogue.positive_share < 1 or banks.of("background"):  # they babble there
            banks.require("negative")

    def compose(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], Sequence[Positive]]:
        """Return the audio of a clip, int16 [samples], and the positives that end in it."""
        empty = rng.uniform() < self._dialogue.empty_share
        speech = np.zeros(self._length, np.float32)
        words = [] if empty else self._talk(rng, speech)
        noise = self._noise(rng)
        room = self._response(rng, "room", self._augmentation.measured_room_share)
        heard_by = self._response(rng, "microphone", self._augmentation.measured_microphone_share)
        scene = Scene(speech, noise, room, heard_by)
        return record(rng, scene, self._augmentation, self._rate_hz), words

    def label(
        self, words: Sequence[Positive], num_frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the targets, float32 [steps, labels], and the weights, float32 [steps]."""
        recipe = self._config.trigger_recipe
        num_steps = self._config.network.num_steps(num_frames)
        targets = np.zeros((num_steps, len(self._config.labels)), np.float32)
        weights = np.ones(num_steps, np.float32)
        before, after = recipe.ignored_steps
        firsts = [first_step(self._config, word) for word in words]
        for first in firsts:
            weights[max(0, first - before) : first + recipe.label_steps + after] = 0.0
        for word, first in zip(words, firsts, strict=True):
            if not word.cut:
                targets[first : first + recipe.label_steps, word.label] = 1.0
        weights[targets.max(axis=1) > 0] = 1.0
        return targets, weights

    def _draw(self, rng: np.random.RandomState, role: str) -> tuple[Bank, BankRecording]:
        """Return a recording, some slower or faster, and its bank."""
        bank, take = self.banks.draw(rng, role)
        share = _speed_share(self._augmentation, bank.source)
        if share and rng.uniform() < share:
            take = at_speed(take, rng.uniform(*self._augmentation.speed))
        return bank, take

    def _response(self, rng: np.random.RandomState, role: str, share: float) -> Signal | None:
        """Return a measured impulse response, float32 [samples], for this share of clips."""
        if not self.banks.of(role) or not happens(rng, share):
            return None
        return self._draw(rng, role)[1].samples.astype(np.float32)

    def _talk(self, rng: np.random.RandomState, speech: Signal) -> list[Positive]:
        """Fill `speech` with items and pauses; return the positives that end inside."""
        dialogue = self._dialogue
        words = []
        position = int(rng.uniform(-0.8, 0.8) * self._rate_hz)
        while position < len(speech):
            positive = bool(self.banks.of("positive")) and rng.uniform() < dialogue.positive_share
            bank, take = self._draw(rng, "positive" if positive else "negative")
            if positive and rng.uniform() < dialogue.fragment_share:
                positive, take = False, fragment(rng, take, dialogue.fragment)
            elif positive and happens(rng, self._augmentation.cut_short_share):
                take = cut_short(rng, take, self._rate_hz)
            gain = 10 ** (rng.uniform(*self._augmentation.item_gain_db) / 20)
            _add(speech, position, _levelled(take.samples) * gain)
            end = position + take.word_end
            if positive and 0 < end <= len(speech):
                end_ms = end * 1000 / self._rate_hz
                words.append(Positive(self.banks.label_of(bank), end_ms, cut=position < 0))
            position += len(take.samples) + self._pause(rng)
        return words

    def _pause(self, rng: np.random.RandomState) -> int:
        dialogue = self._dialogue
        long = rng.uniform() < dialogue.long_pause_share
        bounds = dialogue.long_pause_seconds if long else dialogue.short_pause_seconds
        return int(rng.uniform(*bounds) * self._rate_hz)

    def _noise(self, rng: np.random.RandomState) -> Signal | None:
        """Return babble or recorded noise; None: let it be synthetic."""
        coloured = self._augmentation.coloured_noise_share
        kind = rng.uniform()
        if kind < coloured or not self.banks.of("background"):
            return None
        if kind < coloured + self._augmentation.babble_share:
            return self._babble(rng)
        return self._background(rng)

    def _background(self, rng: np.random.RandomState) -> Signal:
        """Return a random stretch of a background recording, repeated where it is short."""
        samples = self._draw(rng, "background")[1].samples
        return random_stretch(rng, samples, self._length).astype(np.float32)

    def _babble(self, rng: np.random.RandomState) -> Signal:
        """Return several people talking at once."""
        babble = np.zeros(self._length, np.float32)
        for _ in range(rng.randint(*BABBLE_VOICES)):
            position = int(rng.uniform(-0.5, 0.5) * self._rate_hz)
            while position < len(babble):
                _, take = self._draw(rng, "negative")
                _add(babble, position, _levelled(take.samples))
                position += len(take.samples)
        return babble


def _speed_share(augmentation: Augmentation, source: Source) -> float:
    """Return the share of a source's recordings that are played slower or faster."""
    if source.real and source.role not in ("room", "microphone"):
        return augmentation.speed_share
    spoken = source.role in ("positive", "negative")
    return augmentation.synthetic_speed_share if spoken else 0.0


def _levelled(samples: NDArray[np.int16]) -> Signal:
    """Return the recording at one common mean square."""
    signal = samples.astype(np.float32)
    return signal * np.float32(3000.0 / np.sqrt(np.dot(signal, signal) / len(signal) + 1e-9))


def _add(canvas: Signal, position: int, item: Signal) -> None:
    """Add the part of `item` that lies on the canvas."""
    first, last = max(0, position), min(len(canvas), position + len(item))
    if first < last:
        canvas[first:last] += item[first - position : last - position]
