"""From a recipe to a finished clip."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firmware_py.errors import AudioError
from models.voices.catalogue import synthesise
from models.voices.cutting import MARGIN_SECONDS, PhraseClip, cut_clip, fade, trim_phrase
from models.voices.recipe import SpeechRecipe
from models.voices.room import reverberate
from models.voices.vocoder import Throat, warp

CONTEXT_SECONDS = 0.06
"""What the vocoder hears on each side of a word, so that its own edges are cut off later."""

PEAK = 0.5
SHORTEST_SECONDS = 0.05


@dataclass(frozen=True)
class SpokenClip:
    """A finished clip, and what came of the parts of its recipe that depend on the voice."""

    clip: PhraseClip
    carrier: str | None
    mean_f0_hz: float | None
    formant_factor: float | None


def make_clip(recipe: SpeechRecipe, keep_carrier: bool) -> SpokenClip:
    """Make the clip of a recipe; AudioError if its voice stays silent."""
    clip, carrier = say(recipe)
    if carrier is None or not keep_carrier:
        clip = cut_clip(
            clip, clip.start_seconds - CONTEXT_SECONDS, clip.end_seconds + CONTEXT_SECONDS
        )
    clip, mean_f0_hz, formant_factor = change_throat(clip, recipe.throat)
    clip = trim_clip(clip) if carrier is not None and keep_carrier else trim_word(clip)
    if recipe.room is not None:
        heard = reverberate(clip.samples, clip.sample_rate_hz, recipe.room)
        clip = trim_tail(replace(clip, samples=heard))
    samples = clip.samples * np.float32(PEAK / np.abs(clip.samples).max())
    return SpokenClip(replace(clip, samples=samples), carrier, mean_f0_hz, formant_factor)


def say(recipe: SpeechRecipe) -> tuple[PhraseClip, str | None]:
    """Have the voice say the phrase, in its carrier if it can tell where the phrase is then."""
    if recipe.carrier is not None:
        text = recipe.carrier.format(recipe.phrase)
        first = len(recipe.carrier.partition("{}")[0].split())
        stop = first + len(recipe.phrase.split())
        utterance = synthesise(text, recipe.voice, recipe.rate_wpm, recipe.pitch)
        span = utterance.span(first, stop, len(text.split()))
        if span is not None:
            clip = trim_phrase(PhraseClip(utterance.samples, utterance.sample_rate_hz, *span))
            if clip.end_seconds - clip.start_seconds >= SHORTEST_SECONDS:
                return clip, text
    utterance = synthesise(recipe.phrase, recipe.voice, recipe.rate_wpm, recipe.pitch)
    whole = PhraseClip(utterance.samples, utterance.sample_rate_hz, 0.0, utterance.duration_seconds)
    clip = trim_phrase(whole)
    if clip.end_seconds - clip.start_seconds < SHORTEST_SECONDS:
        raise AudioError(f"{recipe.voice} does not speak {recipe.phrase!r}; leave that engine out")
    return clip, None


def change_throat(
    clip: PhraseClip, throat: Throat | None
) -> tuple[PhraseClip, float | None, float | None]:
    """Return the clip with another throat, its mean f0 in Hz and the factor on its formants."""
    warped = None if throat is None else warp(clip.samples, clip.sample_rate_hz, throat)
    if warped is None:
        return clip, None, None
    return replace(clip, samples=warped.samples), warped.mean_f0_hz, warped.formant_factor


def trim_word(clip: PhraseClip) -> PhraseClip:
    """Cut to the phrase and its margin, with soft edges."""
    clip = trim_phrase(clip)
    word = cut_clip(clip, clip.start_seconds - MARGIN_SECONDS, clip.end_seconds + MARGIN_SECONDS)
    return fade(word, word.start_seconds, word.duration_seconds - word.end_seconds)


def trim_clip(clip: PhraseClip) -> PhraseClip:
    """Cut the silence around a whole sentence; the phrase stays where it is in it."""
    whole = trim_phrase(replace(clip, start_seconds=0.0, end_seconds=clip.duration_seconds))
    return cut_clip(clip, whole.start_seconds - MARGIN_SECONDS, whole.end_seconds + MARGIN_SECONDS)


def trim_tail(clip: PhraseClip) -> PhraseClip:
    """Cut a room's tail where it has sunk below what counts as speech."""
    whole = trim_phrase(replace(clip, start_seconds=0.0, end_seconds=clip.duration_seconds))
    end = max(whole.end_seconds, clip.end_seconds) + MARGIN_SECONDS
    return fade(cut_clip(clip, 0.0, end), 0.0, MARGIN_SECONDS)
