"""The espeak-ng engine: formant synthesis, many accents and voice variants."""

from __future__ import annotations

import ctypes
import json
import re
import subprocess
import sys
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from firmware_py.errors import AudioError
from models.voices.engines import espeak_process
from models.voices.engines.process import pipes
from models.voices.engines.voice import Utterance, WordTiming

UNLIKE_PEOPLE = re.compile(r"robo|whisper|demonic", re.IGNORECASE)
"""Variants that no person sounds like, or that have no pitch."""


class EspeakNg:
    """Speaks through a process of its own (see espeak_process); safe to share between threads."""

    name = "espeak-ng"

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def voices(self) -> tuple[str, ...]:
        """Return each accent alone and with each human-like variant: "en-US", "en-US+f3"."""
        try:
            ctypes.CDLL(espeak_process.LIBRARY)
        except OSError:
            return ()
        head, _ = self._ask({})
        variants = [name for name in head["variants"] if not UNLIKE_PEOPLE.search(name)]
        return tuple(
            accent + suffix
            for accent in head["accents"]
            for suffix in ["", *(f"+{variant}" for variant in variants)]
        )

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text; a word ends where the next begins. Some accents place none in some texts."""
        head, samples = self._ask({"text": text, "voice": voice, "rate": rate, "pitch": pitch})
        pcm = np.frombuffer(samples, dtype="<i2")
        sample_rate_hz = int(head["sample_rate_hz"])
        tokens = {match.start(): token for token, match in enumerate(re.finditer(r"\S+", text))}
        starts = [(tokens[place], sample) for place, sample in head["words"] if place in tokens]
        borders = [*(sample for _, sample in starts), len(pcm)]
        words = tuple(
            WordTiming(token, start / sample_rate_hz, end / sample_rate_hz)
            for (token, start), end in zip(starts, borders[1:], strict=True)
        )
        return Utterance(pcm.astype(np.float32) / 32768, sample_rate_hz, words)

    @cached_property
    def _process(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", str(Path(espeak_process.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; it ends with its stdin
        )

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            stdin, stdout = pipes(self._process)
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
            head: dict[str, Any] = json.loads(line) if line else {"error": "espeak-ng went away"}
            if "error" in head:
                raise AudioError(f"{head['error']}; asked for {request}")
            return head, stdout.read(head.get("bytes", 0))
