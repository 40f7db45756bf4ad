"""What fields of settings are made of, and the check of their values."""

from dataclasses import field
from typing import Any

from firmware_py.errors import SettingsError


def example(value: Any) -> Any:
    """Return a required field that the printed settings show with `value`."""
    return field(metadata={"example": value})


def file_path(default: str = "") -> Any:
    """Return a field that names a file: relative to the folder of the settings file."""
    return field(default=default, metadata={"path": True})


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Raise SettingsError unless `condition` holds."""
    if not condition:
        raise SettingsError(f"{name} is {value!r}; it must be {expected}")
