"""Where an installed model lies, and switching between it and the one before it.

A power cut at any moment leaves either the old model or the new one whole: the new content is on
the disk before its name is, and a name changes in one step (rename(2)). The order of the steps
matters; each is durable by the fsync of its file, or of the folder at the end.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmware_py.errors import SettingsError

MODELS = Path("/var/lib/trigger-word/models")
DEFAULT_NAME = "default"
"""The model that listens where the settings name no file."""
LOCK_SECONDS = 20.0


@dataclass(frozen=True)
class Slot:
    """The place of one installed model: its file, and the one before it."""

    folder: Path = MODELS
    name: str = DEFAULT_NAME

    def __post_init__(self) -> None:
        letters = self.name.replace("-", "").replace("_", "")
        if not (letters.isascii() and letters.isalnum()):
            raise SettingsError(f"the name is {self.name!r}; use letters, digits, - and _")

    @property
    def current(self) -> Path:
        return self.folder / f"{self.name}.tflite"

    @property
    def previous(self) -> Path:
        return self.folder / f"{self.name}.previous.tflite"

    def files(self) -> list[Path]:
        """Return what may listen, the first choice first; empty: nothing is installed."""
        if not self.current.exists():
            return []
        return [path for path in (self.current, self.previous) if path.exists()]

    def put(self, content: bytes) -> bool:
        """Make `content` the current model and keep the one before; False: it already is."""
        with self._locked() as folder:
            if self.current.exists() and self.current.read_bytes() == content:
                return False
            staged = self._hidden("new")
            _write_durably(staged, content)
            if self.current.exists():
                self._link_current().replace(self.previous)
            else:
                self.previous.unlink(missing_ok=True)
            staged.replace(self.current)
            os.fsync(folder)
        return True

    def roll_back(self) -> None:
        """Exchange the current model and the one before it.

        Before the first of the default slot there was the built-in one: then no file is current.
        """
        with self._locked() as folder:
            if not self.current.exists():
                self.previous.replace(self.current)
            elif self.previous.exists():
                old = self._link_current()
                self.previous.replace(self.current)
                old.replace(self.previous)
            else:
                self.current.replace(self.previous)
            os.fsync(folder)

    def _link_current(self) -> Path:
        """Return a second name of the current file."""
        link = self._hidden("old")
        link.unlink(missing_ok=True)
        link.hardlink_to(self.current)
        return link

    def _hidden(self, kind: str) -> Path:
        return self.folder / f".{self.name}.{kind}"

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Keep other installations out; yields a descriptor of the folder."""
        is_new = not self.folder.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        if is_new:
            self.folder.chmod(0o755)  # the service must get in, whatever the installer's umask
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock(descriptor)
            self._clean()  # after one that was killed
            try:
                yield descriptor
            except BaseException:
                self._clean()
                raise
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        """Wait for other installations; anybody who may read the folder may hold its lock."""
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise SettingsError(
                        f"{self.folder} has been locked for {LOCK_SECONDS:g} s by another program;"
                        f" find it with: fuser -v {self.folder}"
                    ) from None
                time.sleep(0.1)

    def _clean(self) -> None:
        for kind in ("new", "old"):
            self._hidden(kind).unlink(missing_ok=True)


def _write_durably(path: Path, content: bytes) -> None:
    """Write a new file that everybody may read, down to the disk; nobody's link is followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
