"""A process that speaks through libespeak-ng: one JSON request a line in, answers out.

The library keeps state between utterances (flutter, noise, echo), so that the same words never
sound the same twice. Each utterance is therefore spoken by a fresh fork of this process, which
has the library loaded and nothing said yet. The file runs on its own, with the standard library
only, to keep that fork cheap.

Request {"text", "voice", "rate", "pitch"}: a line {"sample_rate_hz", "bytes", "words": [[character
position from 0, first sample], ...]} and then the int16 samples. Request {}: a line {"accents",
"variants"}. A failure: a line {"error"}.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from itertools import takewhile
from pathlib import PurePath
from typing import Any

LIBRARY = "libespeak-ng.so.1"

# speak_lib.h, espeak-ng 1.49 to 1.52
SYNCHRONOUS_OUTPUT = 2
DONT_EXIT = 1 << 15
RATE, VOLUME, PITCH = 1, 2, 3
POSITION_IN_CHARACTERS = 1
UTF8 = 1
EVENT_LIST_END, EVENT_WORD = 0, 1

QUIET_ENOUGH = 60
"""Volume, percent: some variants clip at the default of 100."""


class EspeakEvent(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("identifier", ctypes.c_char * 8),
    ]


class VoiceFile(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(EspeakEvent)
)


def list_voices(library: ctypes.CDLL) -> dict[str, list[str]]:
    """Return the accents of English and the variants that can be put on them."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(VoiceFile))

    def files(language: bytes | None) -> set[str]:
        wanted = VoiceFile(languages=ctypes.cast(ctypes.c_char_p(language), ctypes.c_void_p))
        listed = library.espeak_ListVoices(ctypes.byref(wanted) if language else None)
        # the list ends with a null pointer, which is false
        return {voice.contents.identifier.decode() for voice in takewhile(bool, listed)}

    # "gmw/en-US" is called by its file, "en-US"; by its language, "en-us", variants fail on some
    accents = {PurePath(file).name for file in files(None) if file.startswith("gmw/en")}
    variants = {file.removeprefix("!v/") for file in files(b"variant")}
    return {"accents": sorted(accents), "variants": sorted(variants)}


def speak(library: ctypes.CDLL, sample_rate_hz: int, request: dict[str, Any]) -> bytes:
    """Return the whole answer to a request to speak."""
    samples = bytearray()
    words: list[tuple[int, int]] = []

    def collect(wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            samples.extend(ctypes.string_at(wave, 2 * count))
        position = 0
        while events[position].kind != EVENT_LIST_END:
            if events[position].kind == EVENT_WORD:
                words.append((events[position].text_position - 1, events[position].sample))
            position += 1
        return 0

    callback = Callback(collect)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        return answer({"error": f"espeak-ng has no voice {request['voice']}"})
    library.espeak_SetParameter(RATE, round(request["rate"]), 0)
    library.espeak_SetParameter(PITCH, round(request["pitch"]), 0)
    library.espeak_SetParameter(VOLUME, QUIET_ENOUGH, 0)
    text = request["text"].encode()
    library.espeak_Synth(
        text, ctypes.c_size_t(len(text) + 1), 0, POSITION_IN_CHARACTERS, 0, UTF8, None, None
    )
    head = {"sample_rate_hz": sample_rate_hz, "bytes": len(samples), "words": words}
    return answer(head) + bytes(samples)


def answer(head: dict[str, Any]) -> bytes:
    return json.dumps(head).encode() + b"\n"


def reply_from_fork(library: ctypes.CDLL, sample_rate_hz: int, line: str) -> None:
    """Let a fork of this process answer one request on stdout."""
    child = os.fork()
    if child == 0:
        request = json.loads(line)
        if request:
            reply = speak(library, sample_rate_hz, request)
        else:
            reply = answer(dict(list_voices(library)))
        with os.fdopen(1, "wb") as stdout:
            stdout.write(reply)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        os.write(1, answer({"error": f"espeak-ng stopped with status {status} on {line.strip()}"}))


def main() -> int:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        os.write(1, answer({"error": f"espeak-ng is not installed: {error}"}))
        return 1
    sample_rate_hz = library.espeak_Initialize(SYNCHRONOUS_OUTPUT, 0, None, DONT_EXIT)
    if sample_rate_hz <= 0:
        os.write(1, answer({"error": "espeak-ng finds no data; install espeak-ng-data"}))
        return 1
    for line in sys.stdin:
        reply_from_fork(library, sample_rate_hz, line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
