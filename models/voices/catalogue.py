"""The installed voices, and the one seam to make any of them speak."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache, partial

from firmware_py.errors import MissingToolError, SettingsError
from models.voices.accents import Accents, AccentsNotCommercial
from models.voices.engines.espeak import EspeakNg
from models.voices.engines.festival import Festival
from models.voices.engines.flite import Flite
from models.voices.engines.mbrola import Mbrola
from models.voices.engines.native import PREFIX, TONGUES, Native
from models.voices.engines.pico import Pico
from models.voices.engines.rhvoice import RhVoice, RhVoiceNotCommercial
from models.voices.engines.voice import Engine, Utterance, Voice
from models.voices.kokoro.engine import Kokoro
from models.voices.piper.engine import Piper
from models.voices.recipe import NEURAL

FREE = (EspeakNg, Flite, Festival, RhVoice, Pico, Accents, Kokoro, Piper)
"""Engines whose voices anyone may use for any purpose: all that a bank holds unless told."""
NOT_COMMERCIAL = (RhVoiceNotCommercial, AccentsNotCommercial, Mbrola)
"""Engines that speak only when named: they are for tests."""
ENGINES: dict[str, Callable[[], Engine]] = {
    engine.name: engine for engine in (*FREE, *NOT_COMMERCIAL)
} | {PREFIX + language: partial(Native, language) for language in TONGUES}

REMEDY = (
    "sudo apt install espeak-ng flite festival festvox-kallpc16k festvox-kdlpc16k"
    " festvox-us-slt-hts festvox-czech-dita festvox-suopuhe-lj festvox-hi-nsk"
    " (and, from non-free, rhvoice librhvoice5 rhvoice-english rhvoice-russian libttspico-utils)"
)


def engine_by_name(name: str) -> Engine:
    """Return this process's engine; SettingsError for an unknown name."""
    if name not in ENGINES:
        raise SettingsError(f"no speech engine {name!r}; known: {', '.join(ENGINES)}")
    return own_engine(name, os.getpid())


@cache
def own_engine(name: str, process: int) -> Engine:  # noqa: ARG001
    """Return an engine, one each and process: they are slow to load, and a fork shares pipes."""
    return ENGINES[name]()


def find_voices(engines: Iterable[str] | None = None) -> tuple[Voice, ...]:
    """Return every installed voice of the named engines, or of all free ones for English.

    Raises SettingsError for an unknown engine, MissingToolError for a named one without a voice
    and when no engine is installed at all.
    """
    wanted = tuple(engine.name for engine in FREE) if engines is None else tuple(engines)
    found: list[Voice] = []
    for name in wanted:
        names = engine_by_name(name).voices()
        if not names and engines is not None:
            remedy = f"python -m models gather --only {name}" if name in NEURAL else REMEDY
            raise MissingToolError(f"no voice of {name} is installed; install with: {remedy}")
        found.extend(Voice(name, voice) for voice in names)
    if not found:
        raise MissingToolError(f"no speech synthesiser is installed; install with: {REMEDY}")
    return tuple(found)


def synthesise(text: str, voice: Voice, rate: float, pitch: float) -> Utterance:
    """Speak text at rate words a minute and pitch 0 to 99 (50: the voice's own)."""
    return engine_by_name(voice.engine).synthesise(text, voice.name, rate, pitch)
