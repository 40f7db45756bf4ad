"""What runs all day: microphone, models, outputs, and whoever asks how it goes."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_py.ensemble import Ensemble, Model, listening_rate_hz
from firmware_py.errors import SettingsError, TriggerWordError
from firmware_py.live.listener import Listener
from firmware_py.live.metrics.exposition import Metric
from firmware_py.live.metrics.measurements import (
    event_metrics,
    second_stage_metrics,
    service_metrics,
    stream_metrics,
)
from firmware_py.live.network_service import NetworkService
from firmware_py.live.notifier import Notifier
from firmware_py.live.output_plans import plan_outputs
from firmware_py.live.output_set import OutputPlan, OutputSet
from firmware_py.live.page_service import PageService
from firmware_py.live.site_models import Site, all_labels, with_sensitivity
from firmware_py.logs import ASKED_FOR, set_format
from firmware_py.monitor.control import Control, open_journal
from firmware_py.monitor.entries import (
    close_miss_detector,
    entry_of_event,
    entry_of_miss,
    kind_of,
    test_event,
)
from firmware_py.monitor.event_recorder import EventRecorder
from firmware_py.monitor.observation import Observer
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.reading.files import refused_as
from firmware_py.settings import ClipSettings, Settings
from firmware_py.settings.state import StateFile
from firmware_py.sound.background_call import BackgroundCall
from firmware_py.sound.microphone import Chunk, Microphone
from firmware_py.sound.system import SoundSystem

if TYPE_CHECKING:
    from firmware_py.live.metrics.server import MetricsServer

READ_SECONDS = 0.25
ANSWER_SECONDS = 1.0
"""An answer that would come later after the word is not given: people have gone on."""
CLOSE_SECONDS = 0.6
MICROPHONE_CLOSE_SECONDS = 0.25

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Prepared:
    """What it takes to go over to other settings or models."""

    as_set: Site
    site: Site
    """With what people chose while it ran."""
    ensemble: Ensemble | None
    """None: the models are the same."""


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
        self._state = state or StateFile(None)
        self._as_set = site
        site = with_sensitivity(site, self._state.state.sensitivity)
        self._site = site
        self._reread = reread
        self._tell = tell
        self._stopping = False
        self._reload_wanted = False
        self._adapt_wanted = False
        self._reading: BackgroundCall[_Prepared] | None = None
        self._started = time.monotonic()
        self._detections: Counter[str] = Counter()
        self._late_detections = 0
        self._mute = Mute()
        self._sound = sound
        self._pause_wanted = not self._state.state.listening
        self._prepared_generation = 0
        rate_hz = listening_rate_hz(site.models)
        settings = site.settings
        set_format(settings.service.log_format)
        self._listener = Listener(Ensemble(site.models, rate_hz), self._mute)
        self._microphone = Microphone(self._sound, settings.microphone, rate_hz)
        self._listener.close_miss_detector = close_miss_detector(settings.clips)
        self.control = Control(self, self._state, settings.clips)
        self._recorder = self._new_recorder(settings.clips)
        self._metrics = self._open_metrics(settings.service.metrics_port)
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
        self._reload_wanted = True

    def adapt(self) -> None:
        """Let `run` go over to what people chose meanwhile. May be called from any thread."""
        self._adapt_wanted = True

    @property
    def settings(self) -> Settings:
        return self._site.settings

    @property
    def models_as_set(self) -> Sequence[Model]:
        """The models as the settings have them, without what people chose while it ran."""
        return self._as_set.models

    @property
    def rate_hz(self) -> int:
        """Samples a second of what is heard."""
        return self._listener.sample_rate_hz

    @property
    def microphone_name(self) -> str:
        """The microphone that is open; empty: none."""
        return self._microphone.name

    @property
    def microphone_fault(self) -> str:
        """What is wrong with the microphone's channels, in words; empty: nothing."""
        return self._microphone.fault

    @property
    def tests(self) -> list[str]:
        """The kinds of outputs that there are, such as chime or gpio."""
        settings = self._site.settings
        kinds = ("gpio", "command", "webhook", "mqtt")
        wanted = [kind for kind in kinds if getattr(settings, kind)]
        return ["chime", *wanted] if settings.chime.sound != "off" else wanted

    def test(self, kind: str) -> None:
        """Let all outputs of a kind answer as if a word had been heard."""
        for worker in self._outputs.workers:
            if kind_of(worker.name) == kind:
                worker.test(test_event(all_labels(self._site.models)[0]))

    def figures(self) -> dict[str, float]:
        """Return how it goes, in numbers. May be called from any thread."""
        return {
            "detections": self._detections.total(),
            "real_time_factor": self._listener.real_time_factor,
            "level_dbfs": self._listener.level_dbfs,
            "uptime_seconds": time.monotonic() - self._started,
        }

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Let `observer` see what is heard; return what ends it. May be called from any thread."""
        return self._listener.observe(observer)

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
        self._microphone.start()
        while not self._stopping:
            self._go_over()
            self._pause_or_resume()
            if self.is_paused:
                self._notifier.alive()
            chunk = self._microphone.read(READ_SECONDS)
            self._prepare_outputs()
            if chunk:
                self._hear(chunk)
            if self._notifier.status_is_due:
                self._notifier.status(self._status())
            if not self._microphone.queued_seconds:
                time.sleep(min(self._listener.rest_seconds, READ_SECONDS))

    def close(self) -> list[str]:
        """Bring everything to its safe state in well under a second; return what hangs."""
        self._notifier.stopping()
        hanging = self._outputs.close(CLOSE_SECONDS)
        self._service.close()
        self.control.close()
        if not self._page.close():
            hanging.append("page")
        if not self._microphone.close(MICROPHONE_CLOSE_SECONDS):
            hanging.append("sound")
        self._recorder.close(MICROPHONE_CLOSE_SECONDS)
        return hanging

    def metrics(self) -> list[Metric]:
        """Return what can be measured; may be called from any thread."""
        uptime = time.monotonic() - self._started
        return [
            *stream_metrics(self._listener, self._microphone, uptime),
            *second_stage_metrics(self._listener.second_stages),
            *event_metrics(self._detections, self._late_detections, self._outputs.workers),
            *service_metrics(self._service),
        ]

    def _plans(self, site: Site) -> list[OutputPlan]:
        return plan_outputs(site.settings, site.models, self._sound, self._mute, self.control)

    def _open_metrics(self, port: int) -> "MetricsServer | None":
        if not port:
            return None
        from firmware_py.live.metrics.server import MetricsServer  # takes 3 MB

        return MetricsServer(port, self.metrics)

    def _pause_or_resume(self) -> None:
        if self._pause_wanted and not self._microphone.is_paused:
            self._microphone.pause()
        elif self._microphone.is_paused and not self._pause_wanted:
            self._microphone.resume()

    def _prepare_outputs(self) -> None:
        """Let the speaker open when the sound system has been started anew."""
        generation = self._sound.generation
        if self._microphone.name and generation != self._prepared_generation:
            if not self._prepared_generation:
                log.info("say: %s", ", ".join(all_labels(self._site.models)))
            self._prepared_generation = generation
            self._outputs.prepare()

    def _hear(self, chunk: Chunk) -> None:
        self._recorder.hear(chunk.samples)
        for event in self._listener.hear(chunk):
            age_seconds = self._sound.now() - chunk.arrived
            age_seconds += self._listener.time_seconds - event.time_seconds
            if age_seconds > ANSWER_SECONDS:
                self._late_detections += 1
                log.warning("heard %r %.1f s ago: too late to answer", event.label, age_seconds)
            else:
                self._answer(event)
        for miss in self._listener.take_close_misses():
            ago_seconds = self._listener.time_seconds - miss.time_seconds
            self._recorder.note(entry_of_miss(miss, ago_seconds), ago_seconds)
        self._notifier.alive()

    def _answer(self, event: Event) -> None:
        self._outputs.send(event)
        self._detections[event.label] += 1
        self.control.detected(event)
        self._recorder.note(entry_of_event(event, self._site.models))
        self._tell(event)

    def _status(self) -> str:
        name = self._microphone.name
        deaf = "paused" if self.is_paused else "deaf: no microphone is open"
        return (
            f"{f'listening to {name!r}' if name else deaf};"
            f" {self._detections.total()} detections;"
            f" real-time factor {self._listener.real_time_factor:.4f}"
        )

    def _go_over(self) -> None:
        """Go over to other settings and models where that is wanted.

        They are read in another thread: sound that comes meanwhile is heard by the old ones.
        """
        if self._reading:
            if self._reading.wait(0.0):
                reading, self._reading = self._reading, None
                self._finish(reading)
        elif self._reload_wanted:
            self._reload_wanted = False
            self._notifier.reloading()
            self._reading = BackgroundCall(lambda: self._prepared(self._reread()))
        elif self._adapt_wanted:
            self._adapt_wanted = False
            self._reading = BackgroundCall(lambda: self._prepared(self._as_set))

    def _prepared(self, as_set: Site) -> _Prepared:
        site = with_sensitivity(as_set, self._state.state.sensitivity)
        if not site.settings.microphone.enabled:
            raise SettingsError("microphone.enabled has changed; restart the service for it")
        ensemble = None
        if _identities(site.models) != _identities(self._site.models):
            ensemble = Ensemble(site.models, listening_rate_hz(site.models))
        return _Prepared(as_set, site, ensemble)

    def _finish(self, reading: BackgroundCall[_Prepared]) -> None:
        try:
            with refused_as(SettingsError, "they cannot be used"):
                prepared = reading.result()
                self._change(prepared)
            is_new = prepared.as_set is not self._as_set
            self._site, self._as_set = prepared.site, prepared.as_set
            if is_new:
                log.info("settings and models are read again", extra=ASKED_FOR)
        except TriggerWordError as error:
            log.error("the settings stay as they were: %s", error, extra=ASKED_FOR)
        self._notifier.reloaded()

    def _change(self, prepared: _Prepared) -> None:
        """Go over to another site; raises, with the old one in force, when that fails."""
        site = prepared.site
        old, new = self._site.settings, site.settings
        metrics = self._metrics
        if new.service.metrics_port != old.service.metrics_port:
            metrics = self._open_metrics(new.service.metrics_port)
        try:
            self._page.change(new.web)
            self._outputs.reconfigure(self._plans(site))
        except Exception:
            if metrics and metrics is not self._metrics:
                metrics.close()
            raise
        if self._metrics and metrics is not self._metrics:
            self._metrics.close()
        self._metrics = metrics
        self._service.change(new.wyoming, site.models)
        self._outputs.prepare()
        self._change_listening(site, prepared.ensemble)
        set_format(new.service.log_format)

    def _new_recorder(self, clips: ClipSettings | None) -> EventRecorder:
        control = self.control
        return EventRecorder(clips, self.rate_hz, control.journal, control.noted)

    def _change_listening(self, site: Site, ensemble: Ensemble | None) -> None:
        old, new = self._site.settings, site.settings
        rate_hz = listening_rate_hz(site.models)
        same_rate = rate_hz == self._listener.sample_rate_hz
        if ensemble:
            self._listener.replace_models(ensemble)
        if new.clips != old.clips or not same_rate:
            self._recorder.close(MICROPHONE_CLOSE_SECONDS)
            if new.clips != old.clips:
                self.control.journal = open_journal(new.clips)
                self._listener.close_miss_detector = close_miss_detector(new.clips)
            self._recorder = self._new_recorder(new.clips)
        if new.microphone != old.microphone or not same_rate:
            self._microphone.reconfigure(new.microphone, rate_hz)


def _identities(models: Sequence[Model]) -> list[tuple[object, ...]]:
    return [(model.artefact.metadata, model.policy) for model in models]
