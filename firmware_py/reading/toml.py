"""TOML files that people write, read within bounds."""

import tomllib
from pathlib import Path
from typing import Any

from firmware_py.errors import TriggerWordError
from firmware_py.reading.files import read_file, refused_as, shown

MOST_BYTES = 2**17
"""Of a file; the longest of ours has 10,000."""
MOST_DOTS = 100
"""On a line: `tomllib` takes memory with the square of the parts of a dotted key."""


def read_toml(path: Path, what: str, error_class: type[TriggerWordError]) -> dict[str, Any]:
    """Return the table in the file at `path`; what: the kind of file, for the message."""
    content = read_file(path, what, MOST_BYTES, error_class)
    if max(line.count(b".") for line in content.split(b"\n")) > MOST_DOTS:
        raise error_class(f"{shown(path)}: a line has more than {MOST_DOTS} dots; shorten it")
    with refused_as(error_class, f"{shown(path)}: not a valid TOML file"):
        return tomllib.loads(content.decode())
