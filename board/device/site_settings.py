"""A site's settings, read on the workstation for a device that will have them in /etc."""

import logging
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from firmware_py.settings import Settings, read_settings

FOLDER = Path("/etc")
"""Where the device keeps its settings, and looks for the files that they name."""

log = logging.getLogger(__name__)


def read_site_settings(path: Path) -> Settings:
    """Return the settings; raises SettingsError for what the device would refuse.

    Only the settings are carried to the device: files that they name beside them are logged.
    """
    settings = read_settings(path)
    beside = path.resolve().parent
    for name, file in _named_files(settings):
        if file.is_relative_to(beside):
            log.warning(
                "%s: the file that %s names is not carried; put it on the device as %s",
                path,
                name,
                FOLDER / file.relative_to(beside),
            )
    return settings


def _named_files(settings: Any) -> Iterator[tuple[str, Path]]:
    """Yield the setting and the file of each that `settings` name, in their sections too."""
    for item in fields(settings):
        value = getattr(settings, item.name)
        for each in value if isinstance(value, tuple) else (value,):
            if is_dataclass(each):
                yield from ((f"{item.name}.{name}", file) for name, file in _named_files(each))
            elif item.metadata.get("path") and item.name != "folder" and Path(each).is_absolute():
                yield item.name, Path(each)
