"""Voices of other languages that read their own: running speech that is not English.

It is for negatives only: what a home hears beside English, in the sounds of its languages.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.voices.engines.espeak import EspeakNg
from models.voices.engines.pico import Pico
from models.voices.engines.rhvoice import RhVoice, has_voice
from models.voices.engines.voice import Engine, Utterance

PREFIX = "native-"
VARIANTS = ("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m5", "+m7", "+m8")
"""Of espeak-ng: throats of one reader."""


@dataclass(frozen=True)
class Tongue:
    """Who reads a language."""

    espeak: str
    pico: str = ""
    rhvoice: tuple[str, ...] = ()


TONGUES = {
    "bulgarian": Tongue("bg"),
    "czech": Tongue("cs"),
    "german": Tongue("de", "de-DE"),
    "italian": Tongue("it", "it-IT"),
    "polish": Tongue("pl"),
    "portuguese": Tongue("pt-BR"),
    "russian": Tongue("ru", "", ("aleksandr-hq", "anna", "elena", "irina")),
    "spanish": Tongue("es", "es-ES"),
}


class Native:
    """Reads text of one language."""

    def __init__(self, language: str) -> None:
        self.name = PREFIX + language
        self._tongue = TONGUES[language]
        self._engines: dict[str, Engine] = {
            engine.name: engine for engine in (EspeakNg(), Pico(), RhVoice())
        }

    def voices(self) -> tuple[str, ...]:
        """Return the installed voices: an engine's name and what it calls the voice."""
        tongue = self._tongue
        found = [f"rhvoice {voice}" for voice in tongue.rhvoice if has_voice(voice)]
        if tongue.pico and self._engines["pico"].voices():
            found.append(f"pico {tongue.pico}")
        if self._engines["espeak-ng"].voices():
            found += [f"espeak-ng {tongue.espeak}{variant}" for variant in VARIANTS]
        return tuple(found)

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text of the language; AudioError if the voice cannot."""
        engine, _, own = voice.partition(" ")
        return self._engines[engine].synthesise(text, own, rate, pitch)
