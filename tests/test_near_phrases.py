"""Phrases near in sound, sentences without the phrase, and the distances behind them."""

from functools import cache

import pytest

from firmware_py.errors import AudioError, MissingToolError, SettingsError
from models.phrases.lexicon import common_words, pronounce
from models.phrases.near_phrases import near_phrases
from models.phrases.sentences import sentences
from models.voices.phonemes import GAP_COST, PHONES, _phone_cost, distances, holds

ACTIVATE = ("ae", "k", "t", "ax", "v", "ey", "t")


@pytest.fixture
def dictionaries() -> None:
    try:
        common_words()
    except MissingToolError as error:
        pytest.skip(str(error))


def edit_distance(first: tuple[str, ...], second: tuple[str, ...]) -> float:
    """Return the weighted edit distance by its recursive definition."""

    @cache
    def rest(i: int, j: int) -> float:
        if i == len(first) or j == len(second):
            return GAP_COST * (len(first) - i + len(second) - j)
        return min(
            rest(i + 1, j + 1) + _phone_cost(first[i], second[j]),
            rest(i + 1, j) + GAP_COST,
            rest(i, j + 1) + GAP_COST,
        )

    return rest(0, 0)


WORDS = [
    ("ae", "k", "t"),
    ("m", "ow", "t", "ax", "v", "ey", "t"),
    ("ae", "k", "t", "ih", "v", "ax", "t", "iy"),
    ACTIVATE,
    ("z",),
]


def test_whole_distance_is_the_edit_distance() -> None:
    found = distances(ACTIVATE, WORDS).whole
    assert found == pytest.approx([edit_distance(ACTIVATE, word) for word in WORDS])


def test_a_word_begins_like_the_target_when_it_shares_its_first_phones() -> None:
    beginning = distances(ACTIVATE, WORDS).beginning
    expected = [
        min(
            edit_distance(ACTIVATE[:part], word[:end]) / part
            for part in range(3, 8)
            for end in range(len(word) + 1)
        )
        for word in WORDS
    ]
    assert beginning == pytest.approx(expected)
    assert beginning[0] == beginning[2] == 0


def test_phone_costs_are_a_semimetric_and_kin_is_near() -> None:
    for first in PHONES:
        for second in PHONES:
            cost = _phone_cost(first, second)
            assert cost == _phone_cost(second, first)
            assert (cost == 0) == (first == second)
    assert _phone_cost("p", "b") < _phone_cost("p", "d") < _phone_cost("p", "aa") == 1


def test_a_target_is_found_in_what_holds_it() -> None:
    assert holds((*ACTIVATE, "s"), ACTIVATE)
    assert holds(("d", "iy", *ACTIVATE), ACTIVATE)
    assert not holds(ACTIVATE[:-1], ACTIVATE)


@pytest.mark.usefixtures("dictionaries")
class TestWithDictionaries:
    def test_known_words_come_from_the_dictionary(self) -> None:
        assert pronounce("Activate") == [ACTIVATE]
        assert pronounce("hey, pi!") == [("hh", "ey"), ("p", "ay")]

    def test_other_words_are_pronounced_by_their_letters(self) -> None:
        assert pronounce("zorblax")[0][:3] == ("z", "ao", "r")
        with pytest.raises(AudioError, match="'47'; write it as it is spoken"):
            pronounce("agent 47")

    def test_near_words_of_one_word(self) -> None:
        near = near_phrases("activate", 60)
        assert len(near) == len(set(near)) == 60
        assert {"active", "activity", "act", "motivate"} < set(near)
        assert not {"activate", "activated", "activates"} & set(near)

    @pytest.mark.parametrize(
        ("phrase", "compounds"),
        [
            ("computer", {"minicomputer", "microcomputer", "supercomputer", "computers"}),
            ("flower", {"sunflower", "wildflower", "flowers", "mayflower"}),
            ("market", {"supermarket", "upmarket", "markets"}),
        ],
    )
    def test_what_the_phrase_is_heard_in_is_not_near_it(self, phrase, compounds) -> None:
        assert compounds & set(common_words()), "or this test tries nothing"
        near = near_phrases(phrase, 300)
        assert len(near) == 300
        assert not compounds & set(near)
        assert not [word for word in near if phrase in word]

    def test_near_phrases_of_two_words(self) -> None:
        near = near_phrases("hey pi", 60)
        assert {"hey", "pi", "pi hey", "hey buy", "say pi"} < set(near)
        sounds = [sum(pronounce(phrase), ()) for phrase in near]
        assert sum(pronounce("hey pi"), ()) not in sounds  # such as "hay pie"

    def test_what_is_heard_everywhere_ends_with_a_reason(self, monkeypatch) -> None:
        monkeypatch.setattr("models.phrases.sentences.TRIES", 1)
        with pytest.raises(SettingsError, match="'the' is heard in nearly every sentence"):
            sentences(50, "the", seed=3)

    def test_sentences_do_not_say_the_phrase(self) -> None:
        made = sentences(300, "market", seed=3)
        assert len(set(made)) == 300
        assert made == sentences(300, "market", seed=3) != sentences(300, "market", seed=4)
        assert not any("market" in sentence for sentence in made)
        assert any("market" in sentence for sentence in sentences(300, "computer", seed=3))
