"""What runs all day: microphone, models, outputs, and whoever asks how it goes."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from firmware_py.ensemble import Model
from firmware_py.errors import SettingsError, TriggerWordError
from firmware_py.live.changeover import Changeover, Prepared
from firmware_py.live.hearing import Hearing
from firmware_py.live.metrics.exposition import Metric
from firmware_py.live.metrics.measurements import (
    event_metrics,
    second_stage_metrics,
    service_metrics,
    stream_metrics,
)
from firmware_py.live.metrics.service import MetricsService
from firmware_py.live.network_service import NetworkService
from firmware_py.live.notifier import Notifier
from firmware_py.live.output_plans import plan_outputs
from firmware_py.live.output_set import OutputPlan, OutputSet
from firmware_py.live.page_service import PageService
from firmware_py.live.site_models import Site, all_labels
from firmware_py.logs import ASKED_FOR, set_format
from firmware_py.monitor.control import Control
from firmware_py.monitor.entries import entry_of_event, kind_of, test_event
from firmware_py.monitor.observation import Observer
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.reading.files import refused_as
from firmware_py.settings import Settings
from firmware_py.settings.state import StateFile
from firmware_py.sound.background_call import BackgroundCall
from firmware_py.sound.microphone import Chunk
from firmware_py.sound.system import SoundSystem

READ_SECONDS = 0.25
ANSWER_SECONDS = 1.0
"""An answer that would come later after the word is not given: people have gone on."""
CLOSE_SECONDS = 0.6

log = logging.getLogger(__name__)


class Live:
    """Listens until it is stopped. `stop` and `reload` may be called from signal handlers."""

    def __init__(
        self,
        site: Site,
        reread: Callable[[], Site],
        tell: Callable[[Event], None],
        sound: SoundSystem,
        state: StateFile | None = None,
    ) -> None:
        """
        reread: returns the site anew, for `reload`.
        tell: called with each event.
        sound: where microphone and speaker are; from now on it is ours.
        state: what people chose while it ran; None: nothing, and choices are not kept.
        Raises SettingsError, DeviceError or MissingToolError for outputs that do not open.
        """
        state = state or StateFile(None)
        self._changeover = Changeover(site, reread, state)
        site = self._changeover.site
        self._tell = tell
        self._stopping = False
        self._started = time.monotonic()
        self._detections: Counter[str] = Counter()
        self._late_detections = 0
        self._mute = Mute()
        self._sound = sound
        self._pause_wanted = not state.state.listening
        self._prepared_generation = 0
        settings = site.settings
        set_format(settings.service.log_format)
        self.control = Control(self, state, settings.clips)
        self._hearing = Hearing(site, sound, self._mute, self.control)
        self._metrics = MetricsService(settings.service.metrics_port, self.metrics)
        self._outputs = OutputSet(self._plans(site))
        self._service = NetworkService(settings.wyoming, site.models)
        self._page = PageService(self.control)
        try:
            self._page.change(settings.web)
        except BaseException:
            self._outputs.close(CLOSE_SECONDS)
            self._service.close()
            raise
        self._notifier = Notifier()

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopping = True

    def reload(self) -> None:
        """Let `run` read the settings and the models again."""
        self._changeover.reload()

    def adapt(self) -> None:
        """Let `run` go over to what people chose meanwhile. May be called from any thread."""
        self._changeover.adapt()

    @property
    def settings(self) -> Settings:
        return self._changeover.site.settings

    @property
    def models_as_set(self) -> Sequence[Model]:
        """The models as the settings have them, without what people chose while it ran."""
        return self._changeover.as_set.models

    @property
    def rate_hz(self) -> int:
        """Samples a second of what is heard."""
        return self._hearing.listener.sample_rate_hz

    @property
    def microphone_name(self) -> str:
        """The microphone that is open; empty: none."""
        return self._hearing.microphone.name

    @property
    def microphone_fault(self) -> str:
        """What is wrong with the microphone's channels, in words; empty: nothing."""
        return self._hearing.microphone.fault

    @property
    def tests(self) -> list[str]:
        """The kinds of outputs that there are, such as chime or gpio."""
        settings = self._changeover.site.settings
        kinds = ("gpio", "command", "webhook", "mqtt")
        wanted = [kind for kind in kinds if getattr(settings, kind)]
        return ["chime", *wanted] if settings.chime.sound != "off" else wanted

    def test(self, kind: str) -> None:
        """Let all outputs of a kind answer as if a word had been heard."""
        for worker in self._outputs.workers:
            if kind_of(worker.name) == kind:
                worker.test(test_event(all_labels(self._changeover.site.models)[0]))

    def figures(self) -> dict[str, float]:
        """Return how it goes, in numbers. May be called from any thread."""
        return {
            "detections": self._detections.total(),
            "real_time_factor": self._hearing.listener.real_time_factor,
            "level_dbfs": self._hearing.listener.level_dbfs,
            "uptime_seconds": time.monotonic() - self._started,
        }

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Let `observer` see what is heard; return what ends it. May be called from any thread."""
        return self._hearing.listener.observe(observer)

    @property
    def is_paused(self) -> bool:
        """Whether the microphone is meant to be closed."""
        return self._pause_wanted

    def pause(self) -> None:
        """Close the microphone until `resume`. May be called from any thread."""
        self._pause_wanted = True

    def resume(self) -> None:
        """Open the microphone again."""
        self._pause_wanted = False

    def run(self) -> None:
        """Listen until `stop`; raises DeviceHungError when only a new process can go on."""
        self._hearing.microphone.start()
        while not self._stopping:
            self._go_over()
            self._hearing.pause(self.is_paused)
            if self.is_paused:
                self._notifier.alive()
            chunk = self._hearing.microphone.read(READ_SECONDS)
            self._prepare_outputs()
            if chunk:
                self._hear(chunk)
            if self._notifier.status_is_due:
                self._notifier.status(self._status())
            if not self._hearing.microphone.queued_seconds:
                time.sleep(min(self._hearing.listener.rest_seconds, READ_SECONDS))

    def close(self) -> list[str]:
        """Bring everything to its safe state in well under a second; return what hangs."""
        self._notifier.stopping()
        hanging = self._outputs.close(CLOSE_SECONDS)
        self._service.close()
        self.control.close()
        if not self._page.close():
            hanging.append("page")
        if not self._hearing.close():
            hanging.append("sound")
        return hanging

    def metrics(self) -> list[Metric]:
        """Return what can be measured; may be called from any thread."""
        uptime = time.monotonic() - self._started
        return [
            *stream_metrics(self._hearing.listener, self._hearing.microphone, uptime),
            *second_stage_metrics(self._hearing.listener.second_stages),
            *event_metrics(self._detections, self._late_detections, self._outputs.workers),
            *service_metrics(self._service),
        ]

    def _plans(self, site: Site) -> list[OutputPlan]:
        return plan_outputs(site.settings, site.models, self._sound, self._mute, self.control)

    def _prepare_outputs(self) -> None:
        """Let the speaker open when the sound system has been started anew."""
        generation = self._sound.generation
        if self._hearing.microphone.name and generation != self._prepared_generation:
            if not self._prepared_generation:
                log.info("say: %s", ", ".join(all_labels(self._changeover.site.models)))
            self._prepared_generation = generation
            self._outputs.prepare()

    def _hear(self, chunk: Chunk) -> None:
        for event in self._hearing.hear(chunk):
            age_seconds = self._sound.now() - chunk.arrived
            age_seconds += self._hearing.listener.time_seconds - event.time_seconds
            if age_seconds > ANSWER_SECONDS:
                self._late_detections += 1
                log.warning("heard %r %.1f s ago: too late to answer", event.label, age_seconds)
            else:
                self._answer(event)
        self._notifier.alive()

    def _answer(self, event: Event) -> None:
        self._outputs.send(event)
        self._detections[event.label] += 1
        self.control.detected(event)
        self._hearing.recorder.note(entry_of_event(event, self._changeover.site.models))
        self._tell(event)

    def _status(self) -> str:
        name = self._hearing.microphone.name
        deaf = "paused" if self.is_paused else "deaf: no microphone is open"
        return (
            f"{f'listening to {name!r}' if name else deaf};"
            f" {self._detections.total()} detections;"
            f" real-time factor {self._hearing.listener.real_time_factor:.4f}"
        )

    def _go_over(self) -> None:
        """Go over to other settings and models where that is wanted.

        They are read in another thread: sound that comes meanwhile is heard by the old ones.
        """
        reading = self._changeover.advance(self._notifier.reloading)
        if reading:
            self._finish(reading)

    def _finish(self, reading: BackgroundCall[Prepared]) -> None:
        try:
            with refused_as(SettingsError, "they cannot be used"):
                prepared = reading.result()
                self._change(prepared)
            if self._changeover.accept(prepared):
                log.info("settings and models are read again", extra=ASKED_FOR)
        except TriggerWordError as error:
            log.error("the settings stay as they were: %s", error, extra=ASKED_FOR)
        self._notifier.reloaded()

    def _change(self, prepared: Prepared) -> None:
        """Go over to another site; raises, with the old one in force, when that fails."""
        site = prepared.site
        settings = site.settings
        with self._metrics.changing(settings.service.metrics_port):
            self._page.change(settings.web)
            self._outputs.reconfigure(self._plans(site))
        self._service.change(settings.wyoming, site.models)
        self._outputs.prepare()
        self._hearing.change(site, prepared.ensemble)
        set_format(settings.service.log_format)
