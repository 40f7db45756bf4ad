"""What is asked for, and the folders it is made in."""

import fcntl
import hashlib
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from firmware_py.errors import SettingsError
from models.own_word.presets import PRESETS, Preset
from models.recordings.sources import sound_files
from models.replacing import replacing
from models.training.settled import refuse_other_runs
from models.voices.spelling import spell, without_accents

REQUEST = "request.json"
LOCK = "lock"


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
        return self.out / "work"

    def bank(self, side: str, kind: str) -> Path:
        """Return the folder of spoken clips: side "train" or "test"."""
        return self.work / side / kind

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep the folder for this run alone while it works.

        Raises SettingsError when another run is at work there, or another request was begun.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with the process
            except BlockingIOError as error:
                raise SettingsError(
                    f"{self.out}: another run is at work there; wait, or choose another --out"
                ) from error
            self._begin()
            yield

    def _begin(self) -> None:
        path = self.work / REQUEST
        mapping = self._mapping()
        asked = {"digest": self._digest(mapping), **mapping}
        if not path.exists():
            refuse_other_runs(self.out)
        elif json.loads(path.read_text())["digest"] != asked["digest"]:
            raise SettingsError(
                f"{self.out}: was begun with other options (see {path}); repeat those,"
                f" choose another --out, or delete {self.work}"
            )
        with replacing(path) as part:
            part.write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")

    def _digest(self, mapping: dict[str, object]) -> str:
        text = json.dumps({**mapping, "preset": asdict(self.preset)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _mapping(self) -> dict[str, object]:
        mapping = asdict(self)
        del mapping["out"], mapping["false_accepts_per_hour"]
        if self.recordings:
            mapping["takes"] = {
                path.relative_to(self.recordings).as_posix(): hashlib.sha256(
                    path.read_bytes()
                ).hexdigest()
                for path in sound_files(self.recordings)
            }
        plain: dict[str, object] = json.loads(json.dumps(mapping, default=str))
        return plain


def slug(phrase: str) -> str:
    """Return the phrase as a file name: "Hey, Pi" is "hey-pi", "what's up" is "whats-up"."""
    letters = without_accents(phrase).lower().replace("'", "")
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or slug(spell(phrase))
