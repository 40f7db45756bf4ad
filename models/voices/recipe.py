"""Everything about one clip, drawn from its number alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.voices.carriers import CARRIERS
from models.voices.engines.native import PREFIX
from models.voices.engines.voice import OWN_RATE_WPM, Voice
from models.voices.kokoro.throats import BLEND
from models.voices.room import DIRECT_TO_REVERBERANT_RANGE_DB, T60_RANGE_SECONDS, Room
from models.voices.vocoder import F0_RANGE_HZ, Throat

KOKORO, PIPER = "kokoro", "piper"
NEURAL = {PIPER: 0.3, KOKORO: 0.5}
"""Neural engines, where they are installed: their share of the clips that those before leave."""
ENOUGH_SPEAKERS = 50
"""Of Piper; fewer speak proportionally less, so that nobody is heard much more than others."""
SHARES = {"espeak-ng": 0.3, "accents": 0.4}
"""Of engines with many variants of a few throats; the rest goes evenly to all other voices."""
CARRIER_SHARE = 0.5
VOCODER_SHARE = 0.75
NEURAL_VOCODER_SHARE = 0.2
"""Neural voices have throats enough; children are the ones they lack."""
KOKORO_PURE_SHARE = 0.25
"""Of Kokoro's clips that a voice of the model speaks, not a mixture."""
ROOM_SHARE = 0.6

RATE_DEVIATION_WPM = 28.0
RATE_RANGE_WPM = (105.0, 235.0)
PITCH_RANGE = (15.0, 85.0)
FORMANT_JITTER_DEVIATION = 0.06


@dataclass(frozen=True)
class Order:
    """What a bank is asked to hold."""

    phrases: tuple[str, ...]
    voices: tuple[Voice, ...]
    seed: int
    carrier: bool
    keep_carrier: bool


@dataclass(frozen=True)
class SpeechRecipe:
    """How to make clip `index`; carrier, throat and room are None where there is none."""

    index: int
    phrase: str
    voice: Voice
    rate_wpm: float
    pitch: float
    carrier: str | None
    throat: Throat | None
    room: Room | None


def draw_recipe(order: Order, index: int, attempt: int = 0) -> SpeechRecipe:
    """Return the recipe of clip index, the same whoever asks and whatever was asked before.

    attempt: counts the voices that could not say this clip; each draws everything anew.
    All numbers are drawn whether used or not, so that a switch changes only what it names.
    """
    rng = np.random.default_rng((order.seed, index, attempt) if attempt else (order.seed, index))
    voice = draw_voice(order.voices, rng)
    rate = float(np.clip(rng.normal(OWN_RATE_WPM, RATE_DEVIATION_WPM), *RATE_RANGE_WPM))
    pitch = float(rng.uniform(*PITCH_RANGE))
    in_carrier = bool(rng.random() < CARRIER_SHARE)
    carrier = CARRIERS[rng.integers(len(CARRIERS))]
    neural = voice.engine in NEURAL
    warped = bool(rng.random() < (NEURAL_VOCODER_SHARE if neural else VOCODER_SHARE))
    throat = Throat(
        mean_f0_hz=float(np.exp(rng.uniform(*np.log(F0_RANGE_HZ)))),
        formant_jitter=float(np.exp(rng.normal(0.0, FORMANT_JITTER_DEVIATION))),
    )
    in_room = bool(rng.random() < ROOM_SHARE)
    room = Room(
        t60_seconds=float(rng.uniform(*T60_RANGE_SECONDS)),
        direct_to_reverberant_db=float(rng.uniform(*DIRECT_TO_REVERBERANT_RANGE_DB)),
        seed=int(rng.integers(2**31)),
    )
    return SpeechRecipe(
        index=index,
        phrase=order.phrases[index % len(order.phrases)],
        voice=voice,
        rate_wpm=rate,
        pitch=pitch,
        carrier=carrier if _is_carried(order, voice, in_carrier) else None,
        throat=throat if warped else None,
        room=room if in_room else None,
    )


def _is_carried(order: Order, voice: Voice, drawn: bool) -> bool:
    """Return whether a sentence surrounds the phrase; the sentences are English."""
    if voice.engine.startswith(PREFIX):
        return False
    return order.keep_carrier or (order.carrier and drawn)


def neural_shares(voices: Sequence[Voice]) -> dict[str, float]:
    """Return the neural engines among `voices`, each with its share of what those before leave."""
    count = Counter(voice.engine for voice in voices)
    left = len(voices)
    shares = {}
    for engine, share in NEURAL.items():
        left -= count[engine]
        if count[engine]:
            few = min(1.0, count[PIPER] / ENOUGH_SPEAKERS) if engine == PIPER else 1.0
            shares[engine] = share * few if left else 1.0
    return shares


def draw_voice(voices: Sequence[Voice], rng: np.random.Generator) -> Voice:
    """Draw an engine that many voices share for its share; else any voice of the others evenly."""
    for engine, share in neural_shares(voices).items():
        if share == 1.0 or rng.random() < share:
            return _draw_neural([voice for voice in voices if voice.engine == engine], rng)
    return _draw_other([voice for voice in voices if voice.engine not in NEURAL], rng)


def _draw_neural(voices: Sequence[Voice], rng: np.random.Generator) -> Voice:
    if voices[0].engine == KOKORO:
        mixed = rng.random() >= KOKORO_PURE_SHARE
        voices = [voice for voice in voices if voice.name.startswith(BLEND) == mixed] or voices
    return voices[rng.integers(len(voices))]


def _draw_other(voices: Sequence[Voice], rng: np.random.Generator) -> Voice:
    pools = {engine: [voice for voice in voices if voice.engine == engine] for engine in SHARES}
    others = [voice for voice in voices if voice.engine not in SHARES]
    pick = rng.random()
    for engine, share in SHARES.items():
        if pick < share and pools[engine]:
            return pools[engine][rng.integers(len(pools[engine]))]
        pick -= share
    pool = others or list(voices)
    return pool[rng.integers(len(pool))]
