"""The installed voices, and the one seam to make any of them speak."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from firmware_py.errors import MissingToolError, SettingsError
from models.voices.espeak import EspeakNg
from models.voices.festival import Festival
from models.voices.flite import Flite
from models.voices.voice import Engine, Utterance, Voice

ENGINE_NAMES = (EspeakNg.name, Flite.name, Festival.name)

REMEDY = (
    "sudo apt install espeak-ng flite festival "
    "festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts"
)


@cache
def engine_by_name(name: str) -> Engine:
    """Return the process-wide engine; one each, because loading is slow and they hold state."""
    for engine in (EspeakNg, Flite, Festival):
        if engine.name == name:
            return engine()
    raise SettingsError(f"no speech engine {name!r}; known: {', '.join(ENGINE_NAMES)}")


def find_voices(engines: Iterable[str] | None = None) -> tuple[Voice, ...]:
    """Return every installed English voice of the named engines, or of all.

    Raises SettingsError for an unknown engine, MissingToolError for a named one without a voice
    and when no engine is installed at all.
    """
    wanted = ENGINE_NAMES if engines is None else tuple(engines)
    found: list[Voice] = []
    for name in wanted:
        names = engine_by_name(name).voices()
        if not names and engines is not None:
            raise MissingToolError(f"no voice of {name} is installed; install with: {REMEDY}")
        found.extend(Voice(name, voice) for voice in names)
    if not found:
        raise MissingToolError(f"no speech synthesiser is installed; install with: {REMEDY}")
    return tuple(found)


def synthesise(text: str, voice: Voice, rate: float, pitch: float) -> Utterance:
    """Speak text at rate words a minute and pitch 0 to 99 (50: the voice's own)."""
    return engine_by_name(voice.engine).synthesise(text, voice.name, rate, pitch)
