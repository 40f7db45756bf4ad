"""What hears: the microphone, the models that listen to it, and the recorder of what they find."""

from collections.abc import Iterator

from firmware_py.ensemble import Ensemble, listening_rate_hz
from firmware_py.live.listener import Listener
from firmware_py.live.site_models import Site
from firmware_py.monitor.control import Control
from firmware_py.monitor.entries import close_miss_detector, entry_of_miss
from firmware_py.monitor.event_recorder import EventRecorder
from firmware_py.monitor.journal import open_journal
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.settings import ClipSettings
from firmware_py.sound.microphone import Chunk, Microphone
from firmware_py.sound.system import SoundSystem

CLOSE_SECONDS = 0.25


class Hearing:
    """Hears for a site, and goes over to another; what stays the same is not touched."""

    def __init__(self, site: Site, sound: SoundSystem, mute: Mute, control: Control) -> None:
        self._settings = site.settings
        self._control = control
        rate_hz = listening_rate_hz(site.models)
        self.listener = Listener(Ensemble(site.models, rate_hz), mute)
        self.listener.close_miss_detector = close_miss_detector(site.settings.clips)
        self.microphone = Microphone(sound, site.settings.microphone, rate_hz)
        self.recorder = self._new_recorder(site.settings.clips)

    def pause(self, wanted: bool) -> None:
        """Close the microphone where that is wanted, or open it again."""
        if wanted and not self.microphone.is_paused:
            self.microphone.pause()
        elif self.microphone.is_paused and not wanted:
            self.microphone.resume()

    def hear(self, chunk: Chunk) -> Iterator[Event]:
        """Yield the events that a chunk completes; close misses are noted behind them."""
        self.recorder.hear(chunk.samples)
        yield from self.listener.hear(chunk)
        for miss in self.listener.take_close_misses():
            ago_seconds = self.listener.time_seconds - miss.time_seconds
            self.recorder.note(entry_of_miss(miss, ago_seconds), ago_seconds)

    def change(self, site: Site, ensemble: Ensemble | None) -> None:
        """Go over to another site; ensemble: of its models, None where they are the same."""
        old, new = self._settings, site.settings
        rate_hz = listening_rate_hz(site.models)
        same_rate = rate_hz == self.listener.sample_rate_hz
        if ensemble:
            self.listener.replace_models(ensemble)
        if new.clips != old.clips or not same_rate:
            self.recorder.close(CLOSE_SECONDS)
            if new.clips != old.clips:
                self._control.journal = open_journal(new.clips)
                self.listener.close_miss_detector = close_miss_detector(new.clips)
            self.recorder = self._new_recorder(new.clips)
        if new.microphone != old.microphone or not same_rate:
            self.microphone.reconfigure(new.microphone, rate_hz)
        self._settings = new

    def close(self) -> bool:
        """Close microphone and recorder; return whether the microphone did in time."""
        in_time = self.microphone.close(CLOSE_SECONDS)
        self.recorder.close(CLOSE_SECONDS)
        return in_time

    def _new_recorder(self, clips: ClipSettings | None) -> EventRecorder:
        control = self._control
        return EventRecorder(clips, self.listener.sample_rate_hz, control.journal, control.noted)
