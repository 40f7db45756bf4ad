"""The Pico engine (SVOX): one recorded woman for each of its languages."""

from __future__ import annotations

import shutil
from xml.sax.saxutils import escape

from models.voices.engines.program import utterance_of
from models.voices.engines.voice import OWN_RATE_WPM, Utterance, pitch_factor

PROGRAM = "pico2wave"
LANGUAGES = ("en-GB", "en-US", "de-DE", "es-ES", "it-IT")
"""Those used here; a final consonant is silent in fr-FR, so that it cannot be respelled."""


class Pico:
    """Speaks through a program, an utterance a time; safe to share between threads."""

    name = "pico"

    def voices(self) -> tuple[str, ...]:
        """Return the English voices if the program is installed."""
        return LANGUAGES[:2] if shutil.which(PROGRAM) else ()

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text in the language that is the voice's name; no word is placed."""
        speed, level = round(100 * rate / OWN_RATE_WPM), round(100 * pitch_factor(pitch))
        marked = f'<speed level="{speed}"><pitch level="{level}">{escape(text)}</pitch></speed>'
        return utterance_of([PROGRAM, "-l", voice], marked)
