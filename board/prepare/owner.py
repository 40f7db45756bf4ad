"""What the owner of a device decides about its system."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from board.errors import BoardError

HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
USER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LOCALE = re.compile(r"[a-z]{2,3}_[A-Z]{2}(\.UTF-8|@[a-z]+)?")
COUNTRY = re.compile(r"[A-Z]{2}")
TIME_ZONE = re.compile(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}")
KEY_MAP = re.compile(r"[a-z]{2,10}")
PUBLIC_KEY = re.compile(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)"
    r"@openssh\.com) [A-Za-z0-9+/]+=*( [^\r\n\0]*)?"
)

WPA_ROUNDS = 4096
"""IEEE 802.11i, annex H.4: PSK = PBKDF2(pass phrase, SSID, 4096, 256 bits)."""


def _check(pattern: re.Pattern[str], value: str, what: str, example: str) -> None:
    if not pattern.fullmatch(value):
        raise BoardError(f"{what} is {value!r}; give one such as {example!r}")


@dataclass(frozen=True)
class Wifi:
    """A wireless network."""

    ssid: str
    key: str = ""
    """64 hexadecimal digits, or a pass phrase where only WPA3 will do; empty: an open network."""
    hidden: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.ssid.encode()) <= 32:
            raise BoardError(f"the Wi-Fi name is {self.ssid!r}; it must have 1 to 32 bytes")

    @property
    def derived(self) -> bool:
        """Return whether the key is the derived one, from which no pass phrase can be read."""
        return bool(re.fullmatch("[0-9a-f]{64}", self.key))


def wifi_key(ssid: str, passphrase: str, only_wpa3: bool = False) -> str:
    """Return the key to store: derived from the pass phrase wherever WPA2 is spoken.

    WPA3's handshake needs the pass phrase itself.
    """
    if re.fullmatch("[0-9a-fA-F]{64}", passphrase):
        return passphrase.lower()
    if not 8 <= len(passphrase.encode()) <= 63:
        raise BoardError("the Wi-Fi pass phrase must have 8 to 63 characters; type it again")
    if only_wpa3:
        return passphrase
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), WPA_ROUNDS, 32).hex()


@dataclass(frozen=True)
class Owner:
    """Name, user, network and place of a device."""

    hostname: str
    user: str = "pi"
    password_hash: str = ""
    """As crypt(5) writes it; empty: no password, only keys."""
    ssh_keys: tuple[str, ...] = ()
    """Public keys, a line each; with one of these the device answers on SSH."""
    ssh_password: bool = False
    """Answer on SSH with the password too."""
    wifi: Wifi | None = None
    country: str = ""
    """Of the radio, two letters."""
    locale: str = ""
    timezone: str = ""
    keymap: str = ""

    def __post_init__(self) -> None:
        _check(HOST_NAME, self.hostname, "the host name", "kitchen-1")
        _check(USER_NAME, self.user, "the user name", "pi")
        if self.user == "root":
            raise BoardError("the user name is 'root'; give one of your own, such as 'pi'")
        for key in self.ssh_keys:
            _check(PUBLIC_KEY, key, "the SSH key", "ssh-ed25519 AAAA... name")
        for pattern, value, what, example in (
            (COUNTRY, self.country, "the country", "GB"),
            (LOCALE, self.locale, "the locale", "en_GB.UTF-8"),
            (TIME_ZONE, self.timezone, "the time zone", "Europe/London"),
            (KEY_MAP, self.keymap, "the keyboard", "gb"),
        ):
            if value:
                _check(pattern, value, what, example)
        if self.wifi and not self.country:
            raise BoardError("Wi-Fi stays off without its country; add --country, such as GB")
        if not self.ssh_keys and not self.password_hash:
            raise BoardError("nobody could log in; add --ssh-key FILE or --password-file FILE")
        if self.ssh_password and not self.password_hash:
            raise BoardError("--ssh-password needs a password; add --password-file FILE")

    @property
    def ssh(self) -> bool:
        """Return whether the device answers on SSH; nothing else listens on the network."""
        return bool(self.ssh_keys) or self.ssh_password


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the public keys in a file, such as id_ed25519.pub or authorized_keys."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BoardError(f"{path}: cannot read the SSH key: {error.strerror}") from error
    if "PRIVATE KEY" in text:
        raise BoardError(f"{path} is a private key; give the file that ends in .pub")
    lines = (line.strip() for line in text.splitlines())
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise BoardError(f"{path} holds no SSH key; make one with ssh-keygen")
    return keys
