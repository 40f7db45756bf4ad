"""The page of a site, opened where the settings want one."""

from typing import TYPE_CHECKING

from firmware_py.live.extras import extra
from firmware_py.settings.web import WebSettings

if TYPE_CHECKING:
    from firmware_py.monitor.control import Control
    from firmware_py.web.server import WebServer


class PageService:
    """Opens, changes and closes the page; without settings for it there is none."""

    def __init__(self, device: "Control") -> None:
        self._device = device
        self._settings: WebSettings | None = None
        self._server: WebServer | None = None

    def change(self, settings: WebSettings | None) -> None:
        """Serve as the settings say; pages that are open stay open where nothing has changed.

        Raises SettingsError, DeviceError or MissingToolError, and then serves as before if it can.
        """
        if settings == self._settings:
            return
        before = self._settings
        self.close()
        try:
            self._server = self._open(settings)
        except Exception:
            self._server = self._open(before)
            self._settings = before
            raise
        self._settings = settings

    def close(self) -> bool:
        """Close the page; return whether that ended in time."""
        server, self._server, self._settings = self._server, None, None
        return server.close() if server else True

    def _open(self, settings: WebSettings | None) -> "WebServer | None":
        if not settings:
            return None
        with extra("web"):
            from firmware_py.web.server import WebServer
        return WebServer(settings, self._device)
