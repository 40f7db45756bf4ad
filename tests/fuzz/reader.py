"""A reader under test: it takes an input, or raises an error of ours that is one line."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_py.errors import TriggerWordError

LONGEST_LINE = 2000


@dataclass(frozen=True)
class Reader:
    """What is tried, and small good inputs to begin from."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]

    def try_out(self, content: bytes) -> bool:
        """Tell whether it takes `content`; raises what is no error of ours, or no single line."""
        try:
            self.read(content)
        except TriggerWordError as error:
            line = str(error)
            assert line.isprintable(), line
            assert len(line) < LONGEST_LINE, line
            return False
        return True


def of_file(read: Callable[[Path], object], name: str) -> Callable[[bytes], None]:
    """Return a reader of bytes for a reader of a path."""

    def reader(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            read(path)

    return reader
