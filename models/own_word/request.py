"""What is asked for, and the folders it is made in."""

import math
import re
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from firmware_py.errors import SettingsError
from models.own_word.presets import PRESETS, Preset
from models.own_word.work_folder import WORK, at_work
from models.recordings.digest import file_digest
from models.recordings.sources import sound_files
from models.voices.spelling import spell, without_accents


@dataclass(frozen=True)
class Request:
    """A model that is asked for."""

    phrase: str
    """As it is written, and shown."""
    out: Path
    preset_name: str = "full"
    near: tuple[str, ...] = ()
    """Phrases to refuse, besides those that are found."""
    negatives: tuple[Path, ...] = ()
    """Folders of real speech without the phrase."""
    noise: tuple[Path, ...] = ()
    """Folders of real noise."""
    recordings: Path | None = None
    """Folder of one's own takes of the phrase."""
    held_out_engine: str | None = None
    """A speech synthesiser that only tests."""
    false_accepts_per_hour: float = 0.5
    """What the threshold is chosen for."""
    seed: int = 1

    def __post_init__(self) -> None:
        _ = self.spoken
        if not 0 < self.false_accepts_per_hour < math.inf:
            raise SettingsError(
                f"--false-accepts-per-hour is {self.false_accepts_per_hour}; it must be above 0"
            )
        if self.seed < 0:
            raise SettingsError(f"--seed is {self.seed}; the least is 0")
        for folder in (*self.negatives, *self.noise, *filter(None, [self.recordings])):
            if not folder.is_dir():
                raise SettingsError(f"{folder}: there is no such folder; check the path")

    @cached_property
    def spoken(self) -> str:
        """Return the phrase as voices read it: numbers in words, plain English letters."""
        return spell(self.phrase)

    @property
    def name(self) -> str:
        return slug(self.phrase)

    @property
    def preset(self) -> Preset:
        return PRESETS[self.preset_name]

    @cached_property
    def work(self) -> Path:
        """Return the folder of all that is only needed on the way."""
        return self.out / WORK

    def bank(self, side: str, kind: str) -> Path:
        """Return the folder of spoken clips: side "train" or "test"."""
        return self.work / side / kind

    def at_work(self) -> AbstractContextManager[Path]:
        """Keep the folder for this run alone while it works (see `work_folder.at_work`)."""
        return at_work(self.out, self._asked())

    def _asked(self) -> dict[str, object]:
        """Return what the network depends on, own takes by their content."""
        asked = {**asdict(self), "preset": asdict(self.preset)}
        del asked["out"], asked["false_accepts_per_hour"]
        if self.recordings:
            asked["takes"] = {
                path.relative_to(self.recordings).as_posix(): file_digest(path)
                for path in sound_files(self.recordings)
            }
        return asked


def slug(phrase: str) -> str:
    """Return the phrase as a file name: "Hey, Pi" is "hey-pi", "what's up" is "whats-up"."""
    letters = without_accents(phrase).lower().replace("'", "")
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or slug(spell(phrase))
