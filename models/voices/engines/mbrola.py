"""English by the diphone voices of MBROLA, spoken through espeak-ng.

Their licence is for non-commercial use: they may test a network, they do not train one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from models.voices.engines.program import utterance_of
from models.voices.engines.voice import Utterance

DATA = Path("/usr/share/mbrola")
NATIVE = ("us1", "us2", "us3", "en1")
FOREIGN = (
    *("af1", "de1", "de2", "de3", "de4", "de5", "de6", "fr1"),
    *("fr4", "gr2", "hu1", "nl2", "pl1", "ro1", "sw1", "sw2"),
)
"""Voices of other languages for which espeak-ng knows how they say English."""


class Mbrola:
    """Speaks through the program espeak-ng, an utterance a time."""

    name = "mbrola"

    def voices(self) -> tuple[str, ...]:
        """Return the installed voices by their names in espeak-ng."""
        if not shutil.which("mbrola") or not shutil.which("espeak-ng"):
            return ()
        voices = [(name, f"mb-{name}") for name in NATIVE]
        voices += [(name, f"mb-{name}-en") for name in FOREIGN]
        return tuple(voice for name, voice in voices if (DATA / name).exists())

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text; no word is placed."""
        program = ["espeak-ng", "-v", voice, "-s", f"{rate:.0f}", "-p", f"{pitch:.0f}"]
        return utterance_of(program, text)
