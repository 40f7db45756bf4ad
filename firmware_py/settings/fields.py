"""What fields of settings are made of, and the check of their values."""

import ipaddress
import os
import re
from dataclasses import field
from pathlib import Path
from typing import Any

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import shown_value


def example(value: Any) -> Any:
    """Return a required field that the printed settings show with `value`."""
    return field(metadata={"example": value})


def file_path(default: str = "") -> Any:
    """Return a field that names a file: relative to the folder of the settings file."""
    return field(default=default, metadata={"path": True})


def model_file() -> Any:
    """Return a field that names a model: its file, as `file_path` says, its name or its URL."""
    return field(default="", metadata={"path": True, "is_name": is_model_name})


def is_model_name(text: str, folder: Path) -> bool:
    """Tell whether `text` is a model's name or URL, not a file counted from `folder`."""
    if "://" in text:
        return True
    is_file = os.sep in text or text.endswith(".tflite") or (folder / text).is_file()
    return not is_file and not text.startswith("~")


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Raise SettingsError unless `condition` holds."""
    if not condition:
        raise SettingsError(f"{name} is {shown_value(value)}; it must be {expected}")


def require_text(name: str, value: str, longest: int) -> None:
    """Raise SettingsError for control characters, and for more bytes than `longest`."""
    fits = len(value.encode(errors="replace")) <= longest and value.isprintable()
    require(fits, name, value, f"at most {longest} bytes without control characters")


def require_host(name: str, value: str) -> None:
    """Raise SettingsError for what is no host name and no address, such as a URL."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        labels = value.removesuffix(".").split(".")
        named = all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels) and len(value) < 254
        require(named, name, value, "a host name or an address, without port and mqtt://")


def require_topic(name: str, value: str) -> None:
    """Raise SettingsError for what cannot begin the topics of MQTT messages."""
    require_text(name, value, 200)
    levels = value.split("/")
    plain = all(levels) and not set(value) & set("+#") and not value.startswith("$")
    require(plain, name, value, "a topic such as 'home/words': no +, no #, no / at its ends")
