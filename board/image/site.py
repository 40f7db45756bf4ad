"""What one site or device adds to the image: everything else is the same for all."""

import re
from dataclasses import dataclass
from pathlib import Path

from board.device.site_settings import read_site_settings
from board.errors import BoardError

UNITS = "/usr/lib/systemd/system"
WANTED = "etc/systemd/system/multi-user.target.wants"
SSH_KEY = re.compile(r"(sk-)?(ssh|ecdsa)-[\w@.-]+ [A-Za-z0-9+/=]+( .*)?")
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Change:
    """A file or link that differs from the system's from the first start."""

    path: str
    """Below the root, without a leading slash."""
    content: bytes = b""
    link_to: str = ""
    mode: int = 0o644
    group: str = "root"


@dataclass(frozen=True)
class SiteOptions:
    """The options of a site."""

    host_name: str = ""
    settings: Path | None = None
    """The settings of trigger-word; an output that needs it switches the network on."""
    authorized_key: Path | None = None
    """A public key: switches the network and SSH on, for root and this key alone."""
    wifi: Path | None = None
    """A wpa_supplicant.conf: switches the network and Wi-Fi on."""

    def changes(self) -> list[Change]:
        """Return what they change; raises BoardError or SettingsError for what is not right."""
        changes = []
        networked = bool(self.authorized_key or self.wifi)
        if self.host_name:
            changes.append(Change("etc/hostname", _host_name(self.host_name)))
        if self.settings:
            settings = read_site_settings(self.settings)
            networked |= any((settings.mqtt, settings.webhook, settings.wyoming, settings.web))
            changes.append(
                Change(
                    "etc/trigger-word.toml",
                    self.settings.read_bytes(),
                    mode=0o640,
                    group="trigger-word-settings",
                )
            )
        if networked:
            changes += map(_wanted, ("systemd-networkd.service", "systemd-timesyncd.service"))
        if self.authorized_key:
            key = Change("etc/ssh/authorized_keys/root", _public_key(self.authorized_key))
            changes += [key, _wanted("ssh.service")]
        if self.wifi:
            changes += [
                Change(
                    "etc/wpa_supplicant/wpa_supplicant-wlan0.conf",
                    self.wifi.read_bytes(),
                    mode=0o600,
                ),
                _wanted("wpa_supplicant@wlan0.service"),
            ]
        return changes


def _wanted(unit: str) -> Change:
    """Return the link that starts a unit; `name@instance.service` comes from `name@.service`."""
    return Change(f"{WANTED}/{unit}", link_to=f"{UNITS}/{re.sub('@.*[.]', '@.', unit)}")


def _host_name(name: str) -> bytes:
    if not HOST_NAME.fullmatch(name):
        raise BoardError(f"host name {name!r}: take at most 63 of a-z, 0-9 and inner hyphens")
    return f"{name}\n".encode()


def _public_key(path: Path) -> bytes:
    text = path.read_text(encoding="utf-8").strip()
    if "PRIVATE KEY" in text:
        raise BoardError(f"{path} is a private key; give the .pub file beside it")
    if not all(SSH_KEY.fullmatch(line) for line in text.splitlines()) or not text:
        raise BoardError(f"{path} is no SSH public key; make one with: ssh-keygen -t ed25519")
    return f"{text}\n".encode()
