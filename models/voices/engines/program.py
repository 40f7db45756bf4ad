"""Engines that are a program: one run an utterance, its speech in a WAV file."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import soundfile

from firmware_py.errors import AudioError
from models.voices.engines.voice import Utterance


def utterance_of(program: Sequence[str], text: str) -> Utterance:
    """Return what a program makes of a text, no word placed; AudioError if that is nothing.

    program: a command that also takes `-w FILE.wav TEXT`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spoken.wav")
        done = subprocess.run(
            [*program, "-w", str(path), text], check=False, capture_output=True, text=True
        )
        if done.returncode != 0 or not path.exists():
            command = " ".join(program)
            raise AudioError(f"{command} cannot speak {text!r}: {done.stderr}; try another voice")
        samples, sample_rate_hz = soundfile.read(path, dtype="float32")
    return Utterance(samples, int(sample_rate_hz), ())
