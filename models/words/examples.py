"""Examples of command words for a network to learn from, in batches."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.clips.batches import Batch, batch_of
from models.clips.maker import ClipMaker
from models.settings.config import Config
from models.settings.network import WindowNetwork
from models.words.corpus import load_corpus
from models.words.division import Part
from models.words.pools import Pools
from models.words.stream_layout import StreamLayout
from models.words.window_layout import WindowLayout


@dataclass(frozen=True)
class ExampleJob:
    """Examples for a worker to make; the same index gives the same batch."""

    config: Config
    roots: tuple[Path, ...]
    part: Part
    seed: int
    batch_size: int

    def batch(self, index: int) -> Batch:
        """Return batch `index`; its targets are one-hot, float32 [clips, steps, labels]."""
        maker = example_maker(self.config, self.roots, self.part)
        first = index * self.batch_size
        numbers = range(first, first + self.batch_size)
        return batch_of([maker.make(self.seed, number) for number in numbers])


@lru_cache(maxsize=4)
def example_maker(config: Config, roots: tuple[Path, ...], part: Part) -> ClipMaker:
    """Return what makes the examples of one part of a data set."""
    recipe, rate_hz = config.words_recipe, config.front_end.sample_rate_hz
    corpus = load_corpus(recipe, roots, part, rate_hz)
    pools = Pools(config.labels, corpus, recipe.augmentation)
    if isinstance(config.network, WindowNetwork):
        layout = WindowLayout(config.labels, recipe, pools, rate_hz)
        return ClipMaker(config.front_end, layout)
    return ClipMaker(config.front_end, StreamLayout(config, pools))
