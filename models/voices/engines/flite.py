"""The flite engine, through its C library."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from firmware_py.errors import AudioError
from models.voices.engines.voice import Utterance, WordTiming, duration_factor, pitch_factor

MEAN_F0_HZ = {"kal16": 95.0, "awb": 116.0, "rms": 93.0, "slt": 167.0}
"""The voices and their own mean f0; "kal" is left out, its 8 kHz lack half of the speech band."""

OWN_STRETCH = {"kal16": 1.1}
"""Stretch of durations that a voice is built with, where not 1."""


class Wave(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_char_p),
        ("sample_rate_hz", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class VoiceHead(ctypes.Structure):
    """The beginning of cst_voice."""

    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


def load_flite() -> ctypes.CDLL:
    """Return libflite with its signatures declared (flite 2.x, cst_*.h); OSError without it."""
    library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float
    signatures = {
        "flite_synth_text": (pointer, [text, pointer]),
        "utt_relation": (pointer, [pointer, text]),
        "utt_wave": (ctypes.POINTER(Wave), [pointer]),
        "delete_utterance": (None, [pointer]),
        "relation_head": (pointer, [pointer]),
        "item_next": (pointer, [pointer]),
        "ffeature_float": (number, [pointer, text]),
        "feat_set_float": (None, [pointer, text, number]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Flite:
    """Speaks in this process, one utterance at a time."""

    name = "flite"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[str, int] = {}

    def voices(self) -> tuple[str, ...]:
        """Return those of the known 16 kHz voices whose library is installed."""
        return tuple(name for name in MEAN_F0_HZ if self._installed(name))

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text; words are placed by the segments of their tokens."""
        with self._lock:
            handle = self._voice(voice)
            features = ctypes.cast(handle, ctypes.POINTER(VoiceHead)).contents.features
            set_feature = self._library.feat_set_float
            longer = OWN_STRETCH.get(voice, 1.0) * duration_factor(rate)
            set_feature(features, b"duration_stretch", longer)
            set_feature(features, b"int_f0_target_mean", MEAN_F0_HZ[voice] * pitch_factor(pitch))
            ctypes.CDLL(None).srand(1)  # its noise source is rand()
            utterance = self._library.flite_synth_text(text.encode(), handle)
            if not utterance:
                raise AudioError(f"flite voice {voice} cannot speak {text!r}; try another voice")
            try:
                return self._read(utterance)
            finally:
                self._library.delete_utterance(utterance)

    def _read(self, utterance: int) -> Utterance:
        wave = self._library.utt_wave(utterance).contents
        pcm = np.ctypeslib.as_array(wave.samples, (wave.num_samples,))
        samples = pcm.astype(np.float32) / 32768
        return Utterance(samples, int(wave.sample_rate_hz), tuple(self._words(utterance)))

    def _words(self, utterance: int) -> Iterator[WordTiming]:
        library = self._library
        token = 0
        item = library.relation_head(library.utt_relation(utterance, b"Token"))
        syllables = b"R:SylStructure"
        start = b"daughter1." + syllables + b".daughter1.daughter1.R:Segment.p.end"
        end = b"daughtern." + syllables + b".daughtern.daughtern.R:Segment.end"
        while item:
            yield WordTiming(
                token, library.ffeature_float(item, start), library.ffeature_float(item, end)
            )
            item, token = library.item_next(item), token + 1

    @cached_property
    def _library(self) -> ctypes.CDLL:
        return load_flite()

    def _installed(self, name: str) -> bool:
        try:
            self._voice(name)
        except OSError:
            return False
        return True

    def _voice(self, name: str) -> int:
        """Return a voice's handle; OSError if it is not installed."""
        if name not in self._loaded:
            self._library.flite_init()
            plugin = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1")
            register = plugin[f"register_cmu_us_{name}"]
            register.restype, register.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
            self._loaded[name] = register(None)
        return self._loaded[name]
