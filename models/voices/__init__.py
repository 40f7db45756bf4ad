"""Synthetic voices: phrases spoken by the free speech synthesisers, varied in voice and room."""

from models.voices.bank import speak_phrases
from models.voices.catalogue import find_voices, synthesise
from models.voices.engines.voice import Utterance, Voice, Word

__all__ = ["Utterance", "Voice", "Word", "find_voices", "speak_phrases", "synthesise"]
