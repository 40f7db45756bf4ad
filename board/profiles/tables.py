"""TOML files of a folder as frozen dataclasses, each named as its file."""

from pathlib import Path
from typing import TypeVar

from board.errors import BoardError
from firmware_py.reading.toml import read_toml
from firmware_py.schema import from_mapping

T = TypeVar("T")

FOLDER = Path(__file__).parent


def read_tables(folder: Path, cls: type[T]) -> dict[str, T]:
    """Return what the files of `folder` say, by name; the field `name` is the file's.

    Raises BoardError for a file that is no TOML, SettingsError for a wrong or unknown value.
    """
    found = {}
    for path in sorted(folder.glob("*.toml")):
        content = read_toml(path, "table", BoardError)
        found[path.stem] = from_mapping(cls, {"name": path.stem, **content}, str(path))
    return found


def named(tables: dict[str, T], name: str, what: str) -> T:
    """Return one of `tables`; raises BoardError that names the known ones."""
    if name not in tables:
        raise BoardError(f"no {what} is called {name!r}; choose one of {', '.join(tables)}")
    return tables[name]
