"""A site without a microphone: clients bring the sound, over the network."""

import logging
import time
from collections.abc import Callable

from firmware_py.errors import SettingsError, TriggerWordError
from firmware_py.live.metrics.exposition import Metric
from firmware_py.live.metrics.measurements import service_metrics, uptime_metric
from firmware_py.live.metrics.service import MetricsService
from firmware_py.live.network_service import NetworkService
from firmware_py.live.notifier import Notifier
from firmware_py.live.site_models import Site
from firmware_py.logs import ASKED_FOR, set_format
from firmware_py.reading.files import refused_as

LOOK_SECONDS = 0.25

log = logging.getLogger(__name__)


class Serving:
    """Serves until it is stopped. `stop` and `reload` may be called from signal handlers.

    The service manager is told that it is ready when it listens, and that it is alive while the
    service's thread is.
    """

    def __init__(self, site: Site, reread: Callable[[], Site]) -> None:
        """
        reread: returns the site anew, for `reload`.
        Raises MissingToolError.
        """
        self._reread = reread
        self._stopping = False
        self._reload_wanted = False
        self._started = time.monotonic()
        self._notifier = Notifier()
        self._metrics = MetricsService(0, self.metrics)
        self._service = NetworkService(None, ())
        self._change(site)

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopping = True

    def reload(self) -> None:
        """Let `run` read the settings and the models again."""
        self._reload_wanted = True

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopping:
            if self._reload_wanted:
                self._reload_wanted = False
                self._reload()
            if self._service.is_serving:
                self._notifier.alive()
            if self._notifier.status_is_due:
                self._notifier.status(self._status())
            time.sleep(LOOK_SECONDS)

    def close(self) -> list[str]:
        """Hang up; return what hangs."""
        self._notifier.stopping()
        self._service.close()
        return []

    def metrics(self) -> list[Metric]:
        """Return what can be measured; may be called from any thread."""
        return [uptime_metric(time.monotonic() - self._started), *service_metrics(self._service)]

    def _status(self) -> str:
        clients = f"{self._service.clients} clients, {self._service.num_detections} detections"
        return f"serving; {clients}" if self._service.is_serving else "not serving; see the log"

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            with refused_as(SettingsError, "they cannot be used"):
                self._change(self._reread())
        except TriggerWordError as error:
            log.error("the settings stay as they were: %s", error, extra=ASKED_FOR)
        else:
            log.info("settings and models are read again", extra=ASKED_FOR)
        self._notifier.reloaded()

    def _change(self, site: Site) -> None:
        """Go over to a site; raises, with the old one in force, when that fails."""
        settings = site.settings
        if settings.microphone.enabled:
            raise SettingsError("microphone.enabled has changed; restart the service for it")
        with self._metrics.changing(settings.service.metrics_port):
            self._service.change(settings.wyoming, site.models)
        set_format(settings.service.log_format)
        _warn_of_idle_outputs(site)


def _warn_of_idle_outputs(site: Site) -> None:
    """Say which outputs will never be used: clients answer with their own."""
    settings = site.settings
    named = [name for name in ("gpio", "command", "webhook", "mqtt") if getattr(settings, name)]
    if named:
        log.warning("without a microphone, [%s] is never used", "], [".join(named))
