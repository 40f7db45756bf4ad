"""The page's part of the settings."""

import ipaddress
from dataclasses import dataclass

from firmware_py.settings.fields import file_path, require


@dataclass(frozen=True)
class WebSettings:
    """Serve a page that shows what the device hears, and takes corrections.

    On the loopback address everybody who can log in on the device may use it. Opened to the
    network it wants a password or a token.
    """

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 opens the page to the network."""
    port: int = 10480
    """0: any free port."""
    password_file: str = file_path()
    """File that `trigger-word password FILE` made; only the service may read it."""
    token_file: str = file_path()
    """File with a long word that programs send: `Authorization: Bearer WORD`."""
    names: tuple[str, ...] = ()
    """Further names under which the page is opened, such as that of a reverse proxy; the host's own
    and all plain addresses always work, others are refused."""
    certificate_file: str = file_path()
    """Serve https with this certificate, PEM; empty: http."""
    key_file: str = file_path()
    """The certificate's key."""
    max_viewers: int = 16
    """Pages that may be open at once."""

    def __post_init__(self) -> None:
        require(0 <= self.port < 65536, "port", self.port, "from 0 to 65535")
        require(1 <= self.max_viewers <= 32, "max_viewers", self.max_viewers, "from 1 to 32")
        require(
            bool(self.certificate_file) == bool(self.key_file),
            "key_file",
            self.key_file,
            "given exactly when certificate_file is",
        )
        require(
            self.is_loopback or bool(self.password_file or self.token_file),
            "host",
            self.host,
            "127.0.0.1, or password_file or token_file given: the page lets people hear the room",
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
