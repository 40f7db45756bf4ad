"""Training clips: audio composed from the sources, its frames and its labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError, SettingsError
from firmware_py.level import ClipLevel, apply_gain, clip_gain_db, to_int16
from models.clips import reference_layout
from models.clips.augmentation import Scene, Signal, happens, record
from models.clips.labels import Word, label
from models.clips.variations import at_speed, cut_short, fragment
from models.recordings.folds import NUM_FOLDS
from models.recordings.sources import Bank, Take, load_bank
from models.settings.config import Config
from models.settings.recipe import Augmentation, Dialogue, Source

BABBLE_VOICES = (3, 7)


@dataclass(frozen=True)
class Clip:
    """One training example."""

    samples: NDArray[np.int16]
    words: tuple[Word, ...]
    frames: NDArray[np.float32]
    """[frames, num_bins]"""
    targets: NDArray[np.float32]
    """[steps, labels], 1 where the word has just been said."""
    weights: NDArray[np.float32]
    """[steps], 0 where a step does not count."""


class ClipMaker:
    """Makes clips from a configuration; clip i of a seed is always the same."""

    def __init__(
        self, config: Config, roots: Sequence[Path], folds: Sequence[int] | None = None
    ) -> None:
        """
        roots: folders that hold the sources.
        folds: tenths of the speakers to use; by default those that are not kept out.
        """
        recipe = config.recipe
        if folds is None:
            kept = recipe.held_out_folds + recipe.test_folds
            folds = [fold for fold in range(NUM_FOLDS) if fold not in kept]
        self.config = config
        self._rate_hz = config.front_end.sample_rate_hz
        self._clip_length = round(recipe.clip_seconds * self._rate_hz)
        self._banks = {
            role: self._load(role, tuple(roots), folds)
            for role in ("positive", "negative", "background", "room", "microphone")
        }
        if not self._banks["background"] and recipe.dialogue is None:
            raise SettingsError(f"{config.name}: the recipe names no background source; add one")
        if not self._banks["negative"] and self._needs_negatives(recipe.dialogue):
            raise SettingsError(f"{config.name}: the recipe names no negative source; add one")
        if recipe.dialogue is None:
            self._refuse_long_words()

    def make(self, seed: int, index: int) -> Clip:
        """Return clip `index` of the stream `seed`."""
        rng = np.random.RandomState([seed, index])
        if self.config.recipe.dialogue:
            samples, words = self._dialogue(rng, self.config.recipe.dialogue)
        else:
            samples, words = self._reference(rng)
        frames = self.config.front_end.compute(samples)
        targets, weights = label(self.config, words, len(frames))
        return Clip(samples, tuple(words), frames, targets, weights)

    def _needs_negatives(self, dialogue: Dialogue | None) -> bool:
        """Return whether negatives stand between words, or babble in the background."""
        if dialogue is None:
            return False
        return dialogue.positive_share < 1 or bool(self._banks["background"])

    def _load(self, role: str, roots: tuple[Path, ...], folds: Sequence[int]) -> list[Bank]:
        """Return the banks of a role that have recordings in these folds."""
        sources = self.config.recipe.sources_of(role)
        banks = [load_bank(source, roots, self._rate_hz, folds) for source in sources]
        filled = [bank for bank in banks if bank.takes]
        if banks and not filled:
            raise SettingsError(
                f"{self.config.name}: no {role} recording in folds {list(folds)};"
                " add recordings or hold out other folds (held_out_folds)"
            )
        return filled

    def _refuse_long_words(self) -> None:
        for bank in self._banks["positive"] + self._banks["negative"]:
            for take in bank.takes:
                if bank.source.excerpt_seconds is None and len(take.samples) >= self._clip_length:
                    raise AudioError(
                        f"{take.file}: {len(take.samples) / self._rate_hz:.1f} s does not fit into"
                        f" a clip of {self.config.recipe.clip_seconds:g} s; cut it, or let the"
                        " source take excerpts (excerpt_seconds)"
                    )

    def _draw(self, rng: np.random.RandomState, role: str) -> tuple[Bank, Take]:
        banks = self._banks[role]
        shares = np.array([bank.source.share for bank in banks])
        bank = banks[int(np.searchsorted(np.cumsum(shares) / shares.sum(), rng.uniform()))]
        take = bank.excerpt(rng, self._rate_hz)
        augmentation = self.config.recipe.augmentation
        if augmentation:
            share = _speed_share(augmentation, bank.source)
            if share and rng.uniform() < share:
                take = at_speed(take, rng.uniform(*augmentation.speed))
        return bank, take

    def _background(self, rng: np.random.RandomState) -> Signal:
        """Return a random stretch of a background recording, repeated where it is short."""
        _, take = self._draw(rng, "background")
        length = self._clip_length
        samples = take.samples
        if len(samples) < length:
            samples = np.tile(samples, -(-length // len(samples)))
        start = rng.randint(len(samples) - length + 1)
        return samples[start : start + length].astype(np.float32)

    def _reference(self, rng: np.random.RandomState) -> tuple[NDArray[np.int16], list[Word]]:
        recipe = self.config.recipe
        clip = self._background(rng).astype(np.float64) * 10 ** (recipe.background_gain_db / 20)
        taken: list[reference_layout.Segment] = []
        words = []
        for role, (fewest, most) in (
            ("positive", recipe.positives),
            ("negative", recipe.negatives),
        ):
            for _ in range(rng.randint(fewest, most + 1) if self._banks[role] else 0):
                bank, take = self._draw(rng, role)
                word = take.samples.astype(np.float64)
                segment = reference_layout.insert(rng, clip, word, taken, self._rate_hz)
                if role == "positive":
                    late_ms = (len(take.samples) - take.word_end) * 1000 / self._rate_hz
                    words.append(Word(self._label_of(bank), segment[1] - late_ms))
        samples = to_int16(clip)
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        gain_db = clip_gain_db(ClipLevel(recipe.target_dbfs), power)
        return apply_gain(samples, gain_db), words

    def _dialogue(
        self, rng: np.random.RandomState, dialogue: Dialogue
    ) -> tuple[NDArray[np.int16], list[Word]]:
        augmentation = self.config.recipe.augmentation
        assert augmentation is not None, "Recipe requires it with a dialogue"
        empty = rng.uniform() < dialogue.empty_share
        speech = np.zeros(self._clip_length, np.float32)
        words = [] if empty else self._talk(rng, dialogue, speech)
        noise = self._noise(rng)
        room = self._response(rng, "room", augmentation.measured_room_share)
        heard_by = self._response(rng, "microphone", augmentation.measured_microphone_share)
        scene = Scene(speech, noise, room, heard_by)
        return record(rng, scene, augmentation, self._rate_hz), words

    def _response(self, rng: np.random.RandomState, role: str, share: float) -> Signal | None:
        """Return a measured impulse response for this share of clips."""
        if not self._banks[role] or not happens(rng, share):
            return None
        return self._draw(rng, role)[1].samples.astype(np.float32)

    def _talk(self, rng: np.random.RandomState, dialogue: Dialogue, speech: Signal) -> list[Word]:
        """Fill `speech` with items and pauses; return the positives that end inside."""
        augmentation = self.config.recipe.augmentation
        assert augmentation is not None
        words = []
        position = int(rng.uniform(-0.8, 0.8) * self._rate_hz)
        while position < len(speech):
            positive = bool(self._banks["positive"]) and rng.uniform() < dialogue.positive_share
            bank, take = self._draw(rng, "positive" if positive else "negative")
            if positive and rng.uniform() < dialogue.fragment_share:
                positive, take = False, fragment(rng, take, dialogue.fragment)
            elif positive and happens(rng, augmentation.cut_short_share):
                take = cut_short(rng, take, self._rate_hz)
            gain = 10 ** (rng.uniform(*augmentation.item_gain_db) / 20)
            _add(speech, position, _levelled(take.samples) * gain)
            end = position + take.word_end
            if positive and 0 < end <= len(speech):
                end_ms = end * 1000 / self._rate_hz
                words.append(Word(self._label_of(bank), end_ms, cut=position < 0))
            position += len(take.samples) + self._pause(rng, dialogue)
        return words

    def _pause(self, rng: np.random.RandomState, dialogue: Dialogue) -> int:
        long = rng.uniform() < dialogue.long_pause_share
        bounds = dialogue.long_pause_seconds if long else dialogue.short_pause_seconds
        return int(rng.uniform(*bounds) * self._rate_hz)

    def _noise(self, rng: np.random.RandomState) -> Signal | None:
        """Return babble or recorded noise; None: let it be synthetic."""
        augmentation = self.config.recipe.augmentation
        assert augmentation is not None
        kind = rng.uniform()
        if kind < augmentation.coloured_noise_share or not self._banks["background"]:
            return None
        if kind < augmentation.coloured_noise_share + augmentation.babble_share:
            return self._babble(rng)
        return self._background(rng)

    def _babble(self, rng: np.random.RandomState) -> Signal:
        """Return several people talking at once."""
        babble = np.zeros(self._clip_length, np.float32)
        for _ in range(rng.randint(*BABBLE_VOICES)):
            position = int(rng.uniform(-0.5, 0.5) * self._rate_hz)
            while position < len(babble):
                _, take = self._draw(rng, "negative")
                _add(babble, position, _levelled(take.samples))
                position += len(take.samples)
        return babble

    def _label_of(self, bank: Bank) -> int:
        labels = self.config.labels
        label = bank.source.label or labels[0]
        if label not in labels:
            raise SettingsError(f"source {bank.source.path}: no label {label!r} in {labels}")
        return labels.index(label)


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
