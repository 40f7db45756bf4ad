"""The folder that `install.sh` works from: packages, settings, and what they are for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from board.bundle import Bundle
from board.device.content import Content
from board.device.site_settings import read_site_settings
from board.errors import BoardError
from board.profiles import AudioHardware

FOLDER = Path(__file__).parent
INSTALL_SCRIPTS = ("install.sh", "settings-state.sh")

SUGGESTED = "suggested.toml"
"""Settings that give way to a device's own."""

ALSA_HEADER = "# Written by trigger-word for: {title}\n"


@dataclass(frozen=True)
class Kit:
    """What is to be installed, and how the site wants it."""

    bundle: Bundle
    audio: AudioHardware | None = None
    settings: Path | None = None
    """A site's TOML file; None: what fits the audio hardware, or the package's default."""
    for_etc: Mapping[str, bytes] = field(init=False)
    """Files for /etc, by their name in FOLDER/files."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "for_etc", dict(self._etc_files()))

    def files(self) -> dict[str, Content]:
        """Return the content of the folder by path; files of the bundle by where they are."""
        manifest = self.bundle.manifest
        facts = {
            "version": manifest.version,
            "release": manifest.release,
            "architecture": manifest.architecture,
        }
        return {
            **{name: FOLDER / name for name in INSTALL_SCRIPTS},
            **{path.relative_to(self.bundle.folder).as_posix(): path for path in self.bundle.files},
            **{name: f"{value}\n".encode() for name, value in facts.items()},
            **{f"files/{name}": content for name, content in self.for_etc.items()},
        }

    def _etc_files(self) -> Iterator[tuple[str, bytes]]:
        if self.settings:
            read_site_settings(self.settings)  # refuse here what the device would refuse
            yield "trigger-word.toml", self.settings.read_bytes()
        elif self.audio:
            yield SUGGESTED, suggested_settings(self.audio).encode()
        if self.audio and self.audio.alsa:
            header = ALSA_HEADER.format(title=self.audio.title)
            yield "asound.conf", f"{header}{self.audio.alsa}".encode()
        if self.audio and self.audio.mixer_rule:
            yield "mixer.rules", self.audio.mixer_rule.encode()


def suggested_settings(audio: AudioHardware) -> str:
    """Return a TOML file for a site that says nothing: the hardware's device and default pin."""
    lines = [f"# Settings of trigger-word for: {audio.title}"]
    for section, values in audio.settings.items():
        lines += ["", f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    lines += ["", "[[gpio]]", f'line = "GPIO{audio.default_output_pin}"', ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise BoardError(f"{value!r} is neither text nor a number; a profile holds only these")
    return json.dumps(value, ensure_ascii=False)
