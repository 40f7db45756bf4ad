"""Voices by names that people understand."""

import pytest

from models.recordings.voice_names import program, speaker, spoken_by
from models.voices.accents import LANGUAGES, OPEN_A
from models.voices.catalogue import ENGINES
from models.voices.engines.flite import MEAN_F0_HZ
from models.voices.engines.mbrola import FOREIGN, NATIVE
from models.voices.engines.native import TONGUES
from models.voices.engines.rhvoice import ENGLISH, ENGLISH_NOT_COMMERCIAL


@pytest.mark.parametrize(
    ("engine", "voice", "words"),
    [
        ("kokoro", "af_heart", "Heart, American woman (Kokoro)"),
        ("kokoro", "bm_george", "George, British man (Kokoro)"),
        ("kokoro", "blend-17", "mixture 17 (Kokoro)"),
        ("espeak-ng", "en-GB-scotland+f3", "Scottish English, female 3 (eSpeak NG)"),
        ("espeak-ng", "en+Mr serious", "British English, Mr serious (eSpeak NG)"),
        ("espeak-ng", "en-US-nyc", "New York English (eSpeak NG)"),
        ("flite", "slt", "SLT, American woman (Flite)"),
        ("rhvoice", "alan", "Alan, Scottish man (RHVoice)"),
        ("pico", "en-GB", "British English (Pico)"),
        ("mbrola", "mb-us1", "American 1 (MBROLA)"),
        ("mbrola", "mb-de5-en", "German accent 5 (MBROLA)"),
        ("accents", "rhvoice-aleksandr-hq-a", "Aleksandr, Russian accent, open a (RHVoice)"),
        ("accents", "czech_dita", "Dita, Czech accent (Festival)"),
        ("accents", "pico-it-IT", "Italian accent (Pico)"),
        ("native-russian", "rhvoice anna", "Anna, Russian (RHVoice)"),
        ("native-german", "espeak-ng de+f1", "German, female 1 (eSpeak NG)"),
        ("a stranger's", "voice 7", "a stranger's voice 7"),
        ("", "Aunt May", "Aunt May"),
    ],
)
def test_a_voice_in_words(engine: str, voice: str, words: str) -> None:
    assert speaker(engine, voice) == words
    assert spoken_by(f"{engine} {voice}".strip()) == words


def test_every_accent_is_named_by_its_language() -> None:
    """The languages of the voices that speak are the oracle of the table."""
    for language in LANGUAGES:
        voices = [
            *language.festival,
            *(f"rhvoice-{name}" for name in language.rhvoice + language.rhvoice_not_commercial),
            *([f"pico-{language.pico}"] if language.pico else []),
            *([f"espeak-{language.espeak}"] if language.espeak else []),
        ]
        for voice in voices:
            assert f"{language.name} accent (" in speaker("accents", voice)
            assert f"{language.name} accent, open a (" in speaker("accents", voice + OPEN_A)


def test_every_native_reader_is_named_by_its_language() -> None:
    for language, tongue in TONGUES.items():
        assert language.capitalize() in speaker(f"native-{language}", f"espeak-ng {tongue.espeak}")
        for voice in tongue.rhvoice:
            assert language.capitalize() in speaker(f"native-{language}", f"rhvoice {voice}")


def test_no_two_voices_of_an_engine_share_a_name() -> None:
    of = {
        "flite": tuple(MEAN_F0_HZ),
        "rhvoice": ENGLISH + ENGLISH_NOT_COMMERCIAL,
        "mbrola": (*(f"mb-{name}" for name in NATIVE), *(f"mb-{name}-en" for name in FOREIGN)),
    }
    for engine, voices in of.items():
        names = {speaker(engine, voice) for voice in voices}
        assert len(names) == len(voices)
        assert not any("_" in name or "mb-" in name for name in names)


def test_every_engine_has_a_name_of_its_own() -> None:
    names = {program(engine) for engine in ENGINES}
    assert len(names) == len(ENGINES)
    assert not names & set(ENGINES)
