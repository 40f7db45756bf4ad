"""TOML files of a folder as frozen dataclasses, each named as its file."""

import tomllib
from pathlib import Path
from typing import TypeVar

from board.errors import BoardError
from firmware_py.schema import from_mapping

T = TypeVar("T")

FOLDER = Path(__file__).parent


def read_tables(folder: Path, cls: type[T]) -> dict[str, T]:
    """Return what the files of `folder` say, by name; the field `name` is the file's.

    Raises BoardError for a file that is no TOML, SettingsError for a wrong or unknown value.
    """
    found = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BoardError(f"{path}: not a valid TOML file: {error}; mend it") from error
        found[path.stem] = from_mapping(cls, {"name": path.stem, **content}, str(path))
    return found


def named(tables: dict[str, T], name: str, what: str) -> T:
    """Return one of `tables`; raises BoardError that names the known ones."""
    if name not in tables:
        raise BoardError(f"no {what} is called {name!r}; choose one of {', '.join(tables)}")
    return tables[name]
