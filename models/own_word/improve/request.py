"""What `improve` is asked for, and the folders it is made in."""

from dataclasses import dataclass
from pathlib import Path

from models.own_word.improve.known_model import KnownModel
from models.own_word.improve.labelled import RIGHT, WRONG
from models.own_word.work_folder import WORK
from models.recordings.digest import file_digest
from models.recordings.sources import sound_files

UNPACKED = "unpacked"


@dataclass(frozen=True)
class Improvement:
    """A model that is to learn from labelled clips."""

    model: KnownModel
    clips: Path
    """A folder with `positives` and `negatives`, or a ZIP of them."""
    data: tuple[Path, ...]
    """Folders that hold the folders of the recipe's sources."""
    out: Path
    seed: int = 1

    @property
    def work(self) -> Path:
        return self.out / WORK

    def takes(self, side: str, right: bool) -> Path:
        """Return the folder of the clips that train or judge, as takes: side "train" or "kept"."""
        return self.work / side / (RIGHT if right else WRONG)

    @property
    def roots(self) -> tuple[Path, ...]:
        """Where the recipe's sources are looked for: given, or what `new` left of a model."""
        own = self.model.folder / WORK / "train"
        return tuple(root.resolve() for root in (*self.data, own))

    @property
    def judging_roots(self) -> tuple[Path, ...]:
        """The same of what judges; `new` speaks it with voices of its own."""
        return ((self.model.folder / WORK / "test").resolve(), *self.roots)

    def asked(self) -> dict[str, object]:
        """Return what the result depends on, files by their content."""
        files = [self.clips] if self.clips.is_file() else list(sound_files(self.clips))
        return {
            "model": file_digest(self.model.artefact.path),
            "network": file_digest(self.model.network),
            "data": [str(root) for root in self.roots],
            "clips": sorted(file_digest(path) for path in files),
            "seed": self.seed,
        }
