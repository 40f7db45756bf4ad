"""Trying out everything that a site uses, one thing after the other."""

import time
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from firmware_py.board_state import clock_is_synchronised, read_board_state
from firmware_py.ensemble import Ensemble, listening_rate_hz
from firmware_py.level import FULL_SCALE
from firmware_py.live.checking.outputs import check_outputs
from firmware_py.live.checking.result import CheckResult, Verdict, result_of
from firmware_py.live.site_models import open_models
from firmware_py.outputs.chime_sound import sound_maker
from firmware_py.outputs.event import Event
from firmware_py.outputs.gpio import Gpio
from firmware_py.outputs.mute import Mute
from firmware_py.outputs.speaker import Speaker
from firmware_py.settings import Settings
from firmware_py.settings.outputs import GpioSettings
from firmware_py.sound.capture import Capture
from firmware_py.sound.portaudio import PortAudio
from firmware_py.sound.system import SoundSystem

LISTEN_SECONDS = 2.0
FIRST_SECONDS = 5.0
PULSE_SECONDS = 0.5
CLIPPED = 32767
QUIET_DBFS = -70.0
SLOW_FACTOR = 0.5
HOT_CELSIUS = 80.0


def run_checks(settings: Settings) -> Iterator[CheckResult]:
    """Yield the results as they come; a check that fails does not stop the others."""
    yield result_of("model", lambda: check_models(settings))
    if settings.microphone.enabled:
        yield from _check_sound(settings)
    else:
        yield CheckResult("microphone", "skipped", "microphone.enabled is false")
    for gpio in settings.gpio:
        yield result_of(f"pin {gpio.line}", partial(check_pin, gpio))
    if not settings.gpio:
        yield CheckResult("pin", "skipped", "no [[gpio]] in the settings")
    yield from check_outputs(settings)
    yield check_clock()
    yield check_board()


def _check_sound(settings: Settings) -> Iterator[CheckResult]:
    sound: list[PortAudio] = []
    yield result_of("sound", lambda: _start_sound(sound))
    if sound:
        yield result_of("microphone", lambda: check_microphone(settings, sound[0]))
        yield result_of("chime", lambda: check_chime(settings, sound[0]))
        sound[0].stop()


def check_models(settings: Settings) -> tuple[Verdict, str]:
    """Load the models and let them hear a second of silence."""
    began = time.process_time()
    models = open_models(settings)
    rate_hz = listening_rate_hz(models)
    ensemble = Ensemble(models, rate_hz)
    loading = time.process_time() - began
    began = time.process_time()
    hits = ensemble.process(np.zeros(rate_hz, np.int16))
    factor = time.process_time() - began
    names = ", ".join(f"{model.name} (threshold {model.policy.threshold:g})" for model in models)
    text = f"{names}: loaded in {loading:.2f} s CPU, real-time factor {factor:.4f}"
    if hits:
        return "failed", f"{text}; hears {hits[0].detection.label!r} in silence"
    return ("ok" if factor < SLOW_FACTOR else "warning"), text


def check_microphone(settings: Settings, sound: SoundSystem) -> tuple[Verdict, str]:
    """Listen for a moment and say how loud it is."""
    rate_hz = listening_rate_hz(open_models(settings))
    capture = Capture(sound, settings.microphone, rate_hz)
    samples = _record(capture, LISTEN_SECONDS)
    chosen = capture.format
    where = f"{chosen.device.name!r} at {chosen.rate_hz} Hz"
    if not len(samples):
        return "failed", f"{where}: opens, but no sound comes"
    peak = int(np.abs(samples.astype(np.int32)).max())
    if not peak:
        return "failed", f"{where}: digital silence; is it muted, or another channel?"
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    levels = f"{where}: level {_dbfs(rms):.0f} dBFS, peak {_dbfs(peak):.0f} dBFS"
    if peak >= CLIPPED:
        return "warning", f"{levels}; it clips, turn it down: alsamixer"
    if _dbfs(rms) < QUIET_DBFS:
        return "warning", f"{levels}; very quiet, turn it up: alsamixer"
    return "ok", levels


def check_chime(settings: Settings, sound: SoundSystem) -> tuple[Verdict, str]:
    """Play the chime."""
    chime = settings.chime
    if chime.sound == "off":
        return "skipped", "chime.sound is off"
    make_sound = sound_maker(chime.sound, chime.volume)
    speaker = Speaker(sound, make_sound, chime.device, Mute(), chime.mute_tail_seconds)
    began = time.monotonic()
    speaker.handle(Event("check", "check", 1.0, 0.0, "", 0.0))
    return "ok", f"played in {time.monotonic() - began:.1f} s; did you hear it?"


def check_pin(settings: GpioSettings) -> tuple[Verdict, str]:
    """Switch a pin on for a moment."""
    gpio = Gpio(settings)
    try:
        gpio.line.set(True)
        time.sleep(PULSE_SECONDS)
    finally:
        gpio.close()
    return "ok", f"was on for {PULSE_SECONDS:g} s; did you see it?"


def check_clock() -> CheckResult:
    """Say whether time stamps can be believed."""
    synchronised = clock_is_synchronised()
    if synchronised is None:
        return CheckResult("clock", "skipped", "no timedatectl here")
    if synchronised:
        return CheckResult("clock", "ok", "synchronised")
    return CheckResult("clock", "warning", "not synchronised: time stamps of events may be wrong")


def check_board() -> CheckResult:
    """Say whether heat or power slow the board down."""
    state = read_board_state()
    facts = []
    if state.temperature_celsius is not None:
        facts.append(f"{state.temperature_celsius:.0f} degrees Celsius")
    if state.cpu_clock_hz is not None:
        facts.append(f"{state.cpu_clock_hz / 1e6:.0f} MHz")
    facts += state.throttling or ()
    if state.throttling or (state.temperature_celsius or 0.0) > HOT_CELSIUS:
        return CheckResult("board", "warning", ", ".join(facts))
    if not facts:
        return CheckResult("board", "skipped", "no sensors here")
    return CheckResult("board", "ok", ", ".join(facts))


def _start_sound(started: list[PortAudio]) -> tuple[Verdict, str]:
    sound = PortAudio()
    sound.restart()
    started.append(sound)
    microphones, speakers = len(sound.devices("input")), len(sound.devices("output"))
    verdict: Verdict = "ok" if microphones else "failed"
    return verdict, f"{microphones} microphones, {speakers} speakers"


def _record(capture: Capture, seconds: float) -> NDArray[np.int16]:
    """Return what comes, int16 [samples]; less where the device is slow to begin."""
    parts: list[NDArray[np.int16]] = []
    wanted = round(seconds * capture.format.rate_hz)
    end = time.monotonic() + FIRST_SECONDS + seconds
    while sum(map(len, parts)) < wanted and time.monotonic() < end:
        packet = capture.get(0.25)
        if packet:
            parts.append(packet.samples)
    return np.concatenate([np.zeros(0, np.int16), *parts])


def _dbfs(amplitude: float) -> float:
    return float(20 * np.log10(max(amplitude, 1e-3) / FULL_SCALE))
