"""English by the diphone voices of MBROLA, spoken through espeak-ng.

Their licence is for non-commercial use: they may test a network, they do not train one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import soundfile

from firmware_py.errors import AudioError
from models.voices.voice import Utterance

DATA = Path("/usr/share/mbrola")
NATIVE = ("us1", "us2", "us3", "en1")
FOREIGN = ("af1", "de1", "de2", "de3", "de4", "de5", "de6", "fr1", "fr4", "gr2", "hu1", "nl2",
           "pl1", "ro1", "sw1", "sw2")  # fmt: skip
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
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "spoken.wav")
            command = ["espeak-ng", "-v", voice, "-s", f"{rate:.0f}", "-p", f"{pitch:.0f}"]
            done = subprocess.run(
                [*command, "-w", str(path), text], check=False, capture_output=True, text=True
            )
            if done.returncode != 0 or not path.exists():
                raise AudioError(f"MBROLA voice {voice} cannot speak {text!r}: {done.stderr}")
            samples, sample_rate_hz = soundfile.read(path, dtype="float32")
        return Utterance(samples, int(sample_rate_hz), ())
