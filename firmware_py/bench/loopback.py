"""The round trip through the air: a word from the speaker into the microphone, until it is heard.

It takes the way of a live stream: the driver's buffers, the gathering of chunks, the networks.
"""

import logging
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact
from firmware_py.audio import Resampler, open_recording, read_blocks
from firmware_py.bench.trial import OutputCall
from firmware_py.bench.word_latency import LATEST_SECONDS, WordLatency, WordSpan, word_latency
from firmware_py.ensemble import Ensemble, Model
from firmware_py.errors import DeviceError
from firmware_py.interpreter import Runtime
from firmware_py.live.listener import Listener
from firmware_py.outputs.event import Event
from firmware_py.outputs.mute import Mute
from firmware_py.outputs.speaker import Speaker
from firmware_py.settings import Settings
from firmware_py.sound.background_call import BackgroundCall
from firmware_py.sound.capture import Capture, Packet
from firmware_py.sound.microphone import Chunk
from firmware_py.sound.portaudio import PortAudio

FIRST_SECONDS = 5.0
"""Sound servers may take this long to deliver the first buffer."""
READ_SECONDS = 0.05
LEAST_CORRELATION = 0.1
"""What came back resembles what was played less than this: it was not heard at all."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loopback:
    """How long it takes from the speaker to the outputs, in milliseconds of real time."""

    microphone: str
    speaker: str
    sound_ms: float | None
    """From handing samples to the sound system until the microphone hears them; None: it hears
    nothing of them."""
    word_latency_ms: WordLatency
    """From handing over the end of a word until the outputs are called, `sound_ms` included."""


def play_and_listen(
    artefact: Artefact, runtime: Runtime, audio: Path, words: list[WordSpan], settings: Settings
) -> Loopback:
    """Play a recording once and listen to it; raises DeviceError.

    words: in the recording. settings: which microphone and which speaker.
    """
    sound = PortAudio()
    sound.restart()
    try:
        rate_hz = artefact.metadata.front_end.sample_rate_hz
        capture = Capture(sound, settings.microphone, rate_hz)
        device = settings.chime.device
        speaker = Speaker(sound, lambda rate: _samples(audio, rate), device, Mute(), 0.0)
        speaker.prepare()
        _wait_for_sound(capture)
        seconds = open_recording(audio).seconds
        log.info("playing %s for %.0f s", audio.name, seconds)
        ensemble = Ensemble(
            [Model(artefact, artefact.metadata.trigger)], capture.format.rate_hz, runtime
        )
        began = time.monotonic()
        playing = BackgroundCall(lambda: speaker.handle(_event()))
        end = began + seconds + LATEST_SECONDS
        packets, calls = _listen(capture, Listener(ensemble, Mute()), began, end)
        if playing.wait(0.0):
            playing.result()
        return Loopback(
            microphone=capture.format.device.name,
            speaker=sound.find("output", device).name,
            sound_ms=_sound_ms(packets, capture.format.rate_hz, audio, words, began),
            word_latency_ms=word_latency(words, calls),
        )
    finally:
        sound.stop()


def _samples(audio: Path, rate_hz: int) -> NDArray[np.int16]:
    """Return a recording at another rate, int16 [samples]."""
    samples = np.concatenate(list(read_blocks(audio)))
    own_hz = open_recording(audio).sample_rate_hz
    return samples if own_hz == rate_hz else Resampler(own_hz, rate_hz).process(samples, last=True)


def _event() -> Event:
    return Event("loopback", "loopback", 1.0, 0.0, "", 0.0)


def _wait_for_sound(capture: Capture) -> None:
    """Wait until the microphone delivers; raises DeviceError."""
    if not capture.get(FIRST_SECONDS):
        name = capture.format.device.name
        raise DeviceError(f"{name!r} opens, but no sound comes; see: trigger-word check")


def _listen(
    capture: Capture, listener: Listener, began: float, end: float
) -> tuple[list[Packet], list[OutputCall]]:
    """Return all that came, and the moments of the detections in seconds after `began`."""
    packets: list[Packet] = []
    calls: list[OutputCall] = []
    while time.monotonic() < end:
        packet = capture.get(READ_SECONDS)
        if not packet:
            continue
        packets.append(packet)
        events = listener.hear(Chunk(packet.samples, packet.arrived))
        moment = time.monotonic() - began
        calls += [OutputCall(event.label, moment) for event in events]
    return packets, calls


def _sound_ms(
    packets: list[Packet], rate_hz: int, audio: Path, words: list[WordSpan], began: float
) -> float | None:
    """Return how much later than they were handed over the words were heard, their median."""
    if not packets:
        return None
    played, heard = _samples(audio, rate_hz), np.concatenate([each.samples for each in packets])
    first_sample = packets[0].arrived - len(packets[0].samples) / rate_hz - began
    delays = []
    for word in words:
        start, end = (round(time * rate_hz) for time in (word.start_seconds, word.end_seconds))
        earliest = max(0, start - round(first_sample * rate_hz))
        latest = earliest + end - start + round(LATEST_SECONDS * rate_hz)
        lag, likeness = find(played[start:end], heard[earliest:latest])
        if likeness >= LEAST_CORRELATION:
            delays.append(first_sample + (earliest + lag - start) / rate_hz)
    return 1e3 * statistics.median(delays) if delays else None


def find(wanted: NDArray[np.int16], heard: NDArray[np.int16]) -> tuple[int, float]:
    """Return where in `heard` the sound `wanted` begins, and how alike they are, from 0 to 1.

    wanted, heard: int16 [samples]. The peak of the cross-correlation, by FFT.
    """
    if not len(heard):
        return 0, 0.0
    size = 1 << (len(wanted) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    correlation = np.abs(np.fft.irfft(spectrum, size)[: len(heard)])
    lag = int(correlation.argmax())
    part = heard[lag : lag + len(wanted)].astype(np.float64)
    energy = float(np.sum(np.square(wanted, dtype=np.float64)) * np.sum(np.square(part)))
    return lag, float(correlation[lag]) / energy**0.5 if energy else 0.0
