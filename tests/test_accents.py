"""Foreign accents: respelling, and the voices where they are installed."""

from pathlib import Path

import numpy as np
import pytest

from models.recordings.folds import fold_of
from models.voices.accents import (
    ESPEAK,
    LANGUAGES,
    OPEN_A,
    Accents,
    Language,
    language_of,
    spell_in,
)
from models.voices.catalogue import engine_by_name
from models.voices.engines.festival import Festival
from models.voices.phonemes import PHONES

ACTIVATE = ((("ae", "k"), True), (("t", "ax"), False), (("v", "ey", "t"), True))


def language(name: str) -> Language:
    return next(language for language in LANGUAGES if language.name == name)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Finnish", "äktiveit"),
        ("Czech", "ektivejt"),
        ("Italian", "ektiveit"),
        ("Russian", "эктивэйт"),
        ("Hindi", "ऐक्टिवेट्"),
    ],
)
def test_activate_in_the_letters_of(name: str, spelled: str) -> None:
    assert spell_in(ACTIVATE, language(name), open_a=False) == spelled


def test_open_a_is_another_pronunciation() -> None:
    assert spell_in(ACTIVATE, language("Czech"), open_a=True) == "aktevejt"
    assert spell_in(ACTIVATE, language("Hindi"), open_a=True) == "आक्टेवेट्"


def test_the_first_stressed_vowel_is_marked_where_the_voice_wants_it() -> None:
    assert spell_in(ACTIVATE, language("Russian"), open_a=False, mark="+") == "+эктивэйт"
    computer = ((("k", "ax", "m"), False), (("p", "y", "uw"), True), (("t", "er"), False))
    assert spell_in(computer, language("Russian"), open_a=False, mark="+") == "кимпй+утэр"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_every_phone_has_letters_that_the_voice_can_read(language: Language) -> None:
    assert set(language.letters) == set(PHONES)
    for phone in PHONES:
        assert spell_in((((phone,), True),), language, open_a=False).encode(language.encoding)


@pytest.mark.parametrize(
    ("voice", "name"),
    [
        ("czech_ph", "Czech"),
        ("espeak-hi", "Hindi"),
        ("espeak-de", "German"),
        ("rhvoice-elena", "Russian"),
        ("pico-de-DE", "German"),
    ],
)
def test_a_voice_speaks_its_language(voice: str, name: str) -> None:
    assert language_of(voice).name == name


def test_both_pronunciations_of_a_voice_lie_in_one_fold() -> None:
    plain = fold_of(Path("accents_czech_dita_00012.flac"))
    assert fold_of(Path(f"accents_czech_dita{OPEN_A}_00400.flac")) == plain


@pytest.fixture(scope="module")
def accents() -> Accents:
    engine = engine_by_name(Accents.name)  # lives as long as the process
    assert isinstance(engine, Accents)
    if not engine.voices():
        pytest.skip("no Festival voice of another language; install festvox-suopuhe-lj")
    return engine


@pytest.mark.parametrize("kind", ["", ESPEAK])
def test_a_sentence_is_spoken_with_every_word_placed(accents: Accents, kind: str) -> None:
    voice = next((name for name in accents.voices() if name.startswith(kind)), None)
    if voice is None:
        pytest.skip("espeak-ng is not installed")
    utterance = accents.synthesise("please activate the lamp", voice, 165, 50)
    assert [word.token for word in utterance.words] == [0, 1, 2, 3]
    start, end = utterance.span(1, 2, 4) or (0.0, 0.0)
    assert 0.25 < end - start < 1.0
    rate = utterance.sample_rate_hz
    word = utterance.samples[round(start * rate) : round(end * rate)]
    assert np.sqrt(np.mean(word**2)) > 0.02


def test_words_that_festival_added_itself_are_pronounced() -> None:
    festival = engine_by_name("festival")
    assert isinstance(festival, Festival)
    if not festival.voices():
        pytest.skip("no English voice of Festival; install festvox-kallpc16k")
    assert festival.pronounce("before")[0] == "b"
    assert festival.syllables("activate") == ACTIVATE


def test_rate_changes_the_length(accents: Accents) -> None:
    voice = accents.voices()[0]
    slow, fast = (accents.synthesise("activate", voice, rate, 50) for rate in (120, 220))
    assert slow.duration_seconds > 1.3 * fast.duration_seconds
