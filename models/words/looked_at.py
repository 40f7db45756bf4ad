"""Clips of command words for a second stage to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from firmware_py.labels import is_word
from models.clips.maker import TrainingClip
from models.clips.positive import Positive
from models.settings.config import Config
from models.words.examples import example_maker
from models.words.stream_layout import Placed


@dataclass(frozen=True)
class CommandWordClips:
    """Clips of the speakers who train, for a worker to make; the same index gives the same clip.

    Unknown words and running speech are in them, but no places where a look must say yes.
    """

    config: Config
    roots: tuple[Path, ...]
    seed: int

    def clips(self, indexes: Sequence[int]) -> list[TrainingClip]:
        """Return the named clips; their words are those of the labels that can be detected."""
        maker = example_maker(self.config, self.roots, "training")
        return [self._described(maker.make(self.seed, index)) for index in indexes]

    def _described(self, clip: TrainingClip) -> TrainingClip:
        placed: Sequence[Placed] = clip.words
        return replace(
            clip,
            words=tuple(
                Positive(each.label, self._ms(each.end), cut=each.start < 0)
                for each in placed
                if each.label >= 0  # other words, where `unknown` is no label
                and is_word(self.config.labels[each.label])
                and each.end > 0
            ),
        )

    def _ms(self, samples: int) -> float:
        return 1000.0 * samples / self.config.front_end.sample_rate_hz
