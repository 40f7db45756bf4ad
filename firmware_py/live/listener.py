"""From the microphone's chunks to events, on the clock of the samples."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from firmware_py.ensemble import Ensemble, Hit
from firmware_py.live.pace import QUIET_SECONDS, Pace
from firmware_py.monitor.close_misses import CloseMiss, CloseMissDetector
from firmware_py.monitor.history import History
from firmware_py.monitor.microphone_health import level_dbfs
from firmware_py.monitor.observation import Observer, observe
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.sound.microphone import Chunk
from firmware_py.streaming.second_stage import SecondStage

WARM_UP_SECONDS = 2.0
"""What models that replace others hear again, so that a word in the middle is not missed."""
SPLICE_SECONDS = 0.25
"""After a longer gap the models begin anew; a shorter one spoils a word less than that would."""
SLOW_FACTOR = 0.5
"""Models that take this much of the sound's duration do not gather: one long call is a long gap."""

log = logging.getLogger(__name__)


class Listener:
    """Runs the models on a stream and knows its time.

    Chunks are gathered until a network can run on them, and longer in silence: smaller pieces
    would cost more and tell nothing sooner. Times count samples, so what a recording gives does
    not depend on its pace.
    """

    def __init__(self, ensemble: Ensemble, mute: Mute) -> None:
        self.mute = mute
        self.processing_seconds = 0.0
        """Time spent on the models."""
        self._processed: Counter[int] = Counter()
        """Samples processed, by their rate: a sum of durations would drift over months."""
        self.muted_seconds = 0.0
        self.unheard_seconds = 0.0
        """Sound that a gap followed before the models could run on it."""
        self.close_miss_detector: CloseMissDetector | None = None
        self._close_misses: list[CloseMiss] = []
        self._observers: tuple[Observer, ...] = ()
        self._begin(ensemble, base_seconds=0.0)

    def _begin(self, ensemble: Ensemble, base_seconds: float) -> None:
        self._ensemble = ensemble
        self.sample_rate_hz = ensemble.sample_rate_hz
        self._pace = Pace()
        self._quiet_samples = round(QUIET_SECONDS * ensemble.sample_rate_hz)
        self._is_slow = False
        self._start(base_seconds)

    def _start(self, base_seconds: float) -> None:
        """Begin a stream with models that have heard nothing yet."""
        self._base_seconds = base_seconds
        self._needed = self._ensemble.samples_needed
        self._history = History(round(WARM_UP_SECONDS * self.sample_rate_hz))
        self._waiting: list[NDArray[np.int16]] = []
        self._num_waiting = 0
        self._num_processed = 0

    @property
    def time_seconds(self) -> float:
        """Audio time of the last sample heard."""
        heard = self._num_processed + self._num_waiting
        return self._base_seconds + heard / self.sample_rate_hz

    @property
    def audio_seconds(self) -> float:
        """Sound processed. For any thread."""
        return sum(count / rate_hz for rate_hz, count in list(self._processed.items()))

    @property
    def second_stages(self) -> list[SecondStage]:
        """The second stages of the models that have one."""
        return self._ensemble.second_stages

    @property
    def real_time_factor(self) -> float:
        """Processing time over audio time."""
        heard = self.audio_seconds
        return self.processing_seconds / heard if heard else 0.0

    @property
    def level_dbfs(self) -> float:
        """Mean power of the last two seconds; 0 is full scale. For any thread."""
        history = self._history
        return level_dbfs(history.between(0, history.heard))

    @property
    def rest_seconds(self) -> float:
        """How long nothing need be heard: the sound meanwhile is gathered at once."""
        missing = self._quiet_samples - self._num_waiting
        return max(0, missing) / self.sample_rate_hz if self._gathers else 0.0

    @property
    def _gathers(self) -> bool:
        """Whether the models may wait for more sound than they need."""
        return self._pace.is_quiet and not self._is_slow and not self._observers

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Let somebody look on from now on; return what ends it. For any thread."""
        self._observers = (*self._observers, observer)

        return partial(self._end, observer)

    def _end(self, observer: Observer) -> None:
        self._observers = tuple(each for each in self._observers if each is not observer)

    def hear(self, chunk: Chunk) -> list[Event]:
        """Return the events that the chunk completes."""
        events = self._skip(chunk.gap_seconds) if chunk.gap_seconds else []
        samples = self._unless_muted(chunk)
        self._waiting.append(samples)
        self._num_waiting += len(samples)
        self._pace.hear(samples, len(samples) / self.sample_rate_hz)
        needed = self._needed
        if self._gathers:
            needed = max(needed, self._quiet_samples)
        if self._num_waiting >= needed:
            events += self._process()
        return events

    def take_close_misses(self) -> list[CloseMiss]:
        """Return the close misses since this was last asked."""
        found, self._close_misses = self._close_misses, []
        return found

    def replace_models(self, ensemble: Ensemble) -> None:
        """Go on with other models, which hear the last seconds once more before they decide."""
        self._ensemble.close()
        history, waiting = self._history, self._waiting
        sample_rate_hz = ensemble.sample_rate_hz
        processed_seconds = self.time_seconds - self._num_waiting / self.sample_rate_hz
        if sample_rate_hz != self.sample_rate_hz:
            self._begin(ensemble, self.time_seconds)
            return
        warm_up = history.between(0, history.heard)
        start_seconds = processed_seconds - len(warm_up) / sample_rate_hz
        self._begin(ensemble, start_seconds)
        self._ensemble.process(warm_up)
        self._ensemble.take_peaks()
        self._num_processed = len(warm_up)
        self._history = history
        self._waiting = waiting
        self._num_waiting = sum(map(len, waiting))
        self._needed = self._ensemble.samples_needed

    def _skip(self, seconds: float) -> list[Event]:
        """Go on after a time without samples."""
        if seconds < SPLICE_SECONDS:
            events = self._process()
            self._base_seconds += seconds
            return events
        # What waits is too little for a word, or silence, and might take what we do not have: time.
        self.unheard_seconds += self._num_waiting / self.sample_rate_hz
        self._ensemble.reset()
        self._start(self.time_seconds + seconds)
        return []

    def _unless_muted(self, chunk: Chunk) -> NDArray[np.int16]:
        duration = len(chunk.samples) / self.sample_rate_hz
        if not self.mute.covers(chunk.arrived - duration, chunk.arrived):
            return chunk.samples
        self.muted_seconds += duration
        return np.zeros_like(chunk.samples)

    def _process(self) -> list[Event]:
        """Run the models on what was gathered."""
        if not self._num_waiting:
            return []
        began = time.perf_counter()
        samples = np.concatenate(self._waiting)
        self._history.add(samples)
        self._waiting.clear()
        self._num_waiting = 0
        self._num_processed += len(samples)
        hits = self._ensemble.process(samples)
        self._needed = self._ensemble.samples_needed
        took, duration = time.perf_counter() - began, len(samples) / self.sample_rate_hz
        self._is_slow = took > SLOW_FACTOR * duration
        self.processing_seconds += took
        self._processed[self.sample_rate_hz] += len(samples)
        if self.close_miss_detector:
            peaks = self._ensemble.take_peaks()
            self._close_misses += self.close_miss_detector.process(peaks, hits, self.time_seconds)
        if self._observers:
            self._tell_observers(samples)
        return [self._event(hit) for hit in hits]

    def _tell_observers(self, samples: NDArray[np.int16]) -> None:
        observation = observe(self._ensemble, samples, self.time_seconds)
        for observer in self._observers:
            try:
                observer(observation)
            except Exception:
                # Whatever somebody does who looks on, listening goes on.
                log.exception("an observer fails and is told no more")
                self._end(observer)

    def _event(self, hit: Hit) -> Event:
        detection = hit.detection
        return Event(
            label=detection.label,
            model=hit.model.name,
            score=detection.score,
            time_seconds=self._base_seconds + detection.time_seconds,
            timestamp=datetime.now(UTC).isoformat(timespec="milliseconds"),
            refractory_seconds=hit.model.refractory_seconds,
        )
