"""The RHVoice engine, through its C library: recorded people of many languages."""

from __future__ import annotations

import ctypes
import threading
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int, c_short, c_uint, c_void_p
from functools import cached_property
from pathlib import Path

import numpy as np

from firmware_py.errors import AudioError
from models.voices.engines.voice import OWN_RATE_WPM, Utterance, pitch_factor

LIBRARY = "libRHVoice.so.5"
DATA = Path("/usr/share/RHVoice")
CONFIGURATION = Path("/etc/RHVoice")

ENGLISH = ("alan", "bdl", "clb", "slt")
"""English voices whose licences let anyone use what is made with them for any purpose."""
ENGLISH_NOT_COMMERCIAL = ("evgeniy-eng", "lyubov")
"""Under CC BY-NC-ND: they may test a network, they do not train one."""

SetSampleRate = CFUNCTYPE(c_int, c_int, c_void_p)
PlaySpeech = CFUNCTYPE(c_int, POINTER(c_short), c_uint, c_void_p)


class Callbacks(ctypes.Structure):
    _fields_ = [
        ("set_sample_rate", SetSampleRate),
        ("play_speech", PlaySpeech),
        ("process_mark", c_void_p),
        ("word_starts", c_void_p),
        ("word_ends", c_void_p),
        ("sentence_starts", c_void_p),
        ("sentence_ends", c_void_p),
        ("play_audio", c_void_p),
        ("done", c_void_p),
    ]


class Initial(ctypes.Structure):
    _fields_ = [
        ("data_path", c_char_p),
        ("config_path", c_char_p),
        ("resource_paths", POINTER(c_char_p)),
        ("callbacks", Callbacks),
        ("options", c_uint),
    ]


class Synthesis(ctypes.Structure):
    _fields_ = [
        ("voice_profile", c_char_p),
        ("absolute_rate", c_double),
        ("absolute_pitch", c_double),
        ("absolute_volume", c_double),
        ("relative_rate", c_double),
        ("relative_pitch", c_double),
        ("relative_volume", c_double),
        ("punctuation_mode", c_int),
        ("punctuation_list", c_char_p),
        ("capitals_mode", c_int),
        ("flags", c_int),
    ]


def load_rhvoice() -> ctypes.CDLL:
    """Return libRHVoice with its signatures declared (RHVoice.h, 1.8); OSError without it."""
    library = ctypes.CDLL(LIBRARY)
    signatures = {
        "RHVoice_new_tts_engine": (c_void_p, [POINTER(Initial)]),
        "RHVoice_new_message": (
            c_void_p,
            [c_void_p, c_char_p, c_uint, c_int, POINTER(Synthesis), c_void_p],
        ),
        "RHVoice_speak": (c_int, [c_void_p]),
        "RHVoice_delete_message": (None, [c_void_p]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class RhVoice:
    """Speaks in this process, one utterance at a time."""

    name = "rhvoice"
    spoken_by: tuple[str, ...] = ENGLISH

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sample_rate_hz = 0
        self._blocks: list[bytes] = []

    def voices(self) -> tuple[str, ...]:
        """Return the installed English voices."""
        return tuple(name for name in self.spoken_by if has_voice(name))

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text in the language of the voice.

        No word is placed: RHVoice tells where words are to a tenth of a second only.
        """
        synthesis = Synthesis(
            voice_profile=voice.encode(),
            relative_rate=rate / OWN_RATE_WPM,
            relative_pitch=pitch_factor(pitch),
            relative_volume=1.0,
        )
        with self._lock:
            self._blocks = []
            said = text.encode()
            message = self._library.RHVoice_new_message(
                self._engine, said, len(said), 0, ctypes.byref(synthesis), None
            )
            if not message or not self._library.RHVoice_speak(message):
                raise AudioError(f"RHVoice voice {voice} cannot speak {text!r}; try another voice")
            self._library.RHVoice_delete_message(message)
            pcm = np.frombuffer(b"".join(self._blocks), np.int16)
        return Utterance(pcm.astype(np.float32) / 32768, self._sample_rate_hz, ())

    @cached_property
    def _library(self) -> ctypes.CDLL:
        return load_rhvoice()

    @cached_property
    def _callbacks(self) -> Callbacks:
        def set_sample_rate(sample_rate_hz: int, _: object) -> int:
            self._sample_rate_hz = sample_rate_hz
            return 1

        def play_speech(samples: ctypes._Pointer[c_short], count: int, _: object) -> int:
            self._blocks.append(ctypes.string_at(samples, 2 * count))
            return 1

        return Callbacks(
            set_sample_rate=SetSampleRate(set_sample_rate),
            play_speech=PlaySpeech(play_speech),
        )

    @cached_property
    def _engine(self) -> int:
        initial = Initial(
            data_path=str(DATA).encode(),
            config_path=str(CONFIGURATION).encode(),
            callbacks=self._callbacks,
        )
        engine: int | None = self._library.RHVoice_new_tts_engine(ctypes.byref(initial))
        if not engine:
            raise AudioError(f"RHVoice finds no voices in {DATA}; install the package rhvoice")
        return engine


class RhVoiceNotCommercial(RhVoice):
    """The English voices that are for tests only."""

    name = "rhvoice-nc"
    spoken_by = ENGLISH_NOT_COMMERCIAL


def has_voice(voice: str) -> bool:
    """Tell whether a voice and the library are installed."""
    return (DATA / "voices" / voice).is_dir() and any(
        path.exists() for path in Path("/usr/lib").glob(f"*/{LIBRARY}")
    )
