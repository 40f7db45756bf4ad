"""Phrases as people type them: what voices read, and what is refused."""

import pytest

from firmware_py.errors import SettingsError
from models.phrases.length import refuse_unfit_length, syllables
from models.voices.bank import check_phrases
from models.voices.numbers import read_numbers
from models.voices.spelling import read_phrases, spell, tidy

READ = {
    # digits
    "hal 9000": "hal nine thousand",
    "agent 47": "agent forty seven",
    "agent 007": "agent zero zero seven",
    "2001": "two thousand one",
    "1984": "nineteen eighty four",
    "1900": "nineteen hundred",
    "1905": "nineteen oh five",
    "1,234,567": "one million two hundred thirty four thousand five hundred sixty seven",
    "12345678901": "one two three four five six seven eight nine zero one",
    "3.14": "three point one four",
    "take 2.": "take two.",
    "1st, 2nd and 3rd": "first, second and third",
    "21st century": "twenty first century",
    "12th": "twelfth",
    "30th": "thirtieth",
    "100th": "one hundredth",
    "hey ²": "hey two",
    # letters and digits
    "R2-D2": "R two D two",
    "C-3PO": "C three P O",
    "C3PO": "C three P O",
    "hal9000": "hal nine thousand",
    "k9": "k nine",
    "mp3 player": "m p three player",
    "hey2go": "hey two go",
    "4x4": "four x four",
    # apostrophes of every kind, quotes, hyphens
    "what\u2019s up": "what's up",
    "what\u2018s up": "what's up",
    "what\u02bcs up": "what's up",
    "what\u2032s up": "what's up",
    "what\uff07s up": "what's up",
    "what`s up": "what's up",
    "what\u00b4s up": "what's up",
    "o'clock": "o'clock",
    "\u2019tis": "'tis",
    "'hey pi'": "hey pi",
    "\u201chey pi\u201d": "hey pi",
    '"hey pi"': "hey pi",
    "hey\u2014pi": "hey-pi",
    "hey\u2011pi": "hey-pi",
    # spaces and the invisible
    "  hey \t pi\n": "hey pi",
    "hey\u00a0pi": "hey pi",
    "hey\u3000pi": "hey pi",
    "\ufeffhey pi": "hey pi",
    "hey\u00ad pi": "hey pi",
    "hey_pi": "hey pi",
    # Latin letters that are not English
    "café": "cafe",
    "cafe\u0301": "cafe",
    "größer": "grosser",
    "Zoë": "Zoe",
    "Łukasz": "Lukasz",
    "ＨＡＬ": "HAL",
    "ﬁsh": "fish",
    # signs that are words
    "rock & roll": "rock and roll",
    "50% off": "fifty percent off",
}


@pytest.mark.parametrize(("typed", "read"), READ.items())
def test_what_people_type_is_read_in_english_letters(typed, read) -> None:
    assert spell(typed) == read
    assert spell(read) == read
    check_phrases([read])


@pytest.mark.parametrize(
    "typed", ["привет", "Γειά", "你好", "こんにちは", "한국", "مرحبا", "שלום", "नमस्ते", "hey пи"]
)
def test_other_alphabets_are_explained(typed) -> None:
    with pytest.raises(SettingsError, match=r"is not an English letter.* as it sounds"):
        spell(typed)


@pytest.mark.parametrize("typed", ["hey (pi)", "$5", "hey #1", "a/b", "{}", "hey \N{ROBOT FACE}"])
def test_signs_that_are_not_read_are_named(typed) -> None:
    with pytest.raises(SettingsError, match="is not read aloud"):
        spell(typed)


@pytest.mark.parametrize("typed", ["", "  ", "?!", "\u200b", "''"])
def test_a_phrase_has_letters(typed) -> None:
    with pytest.raises(SettingsError, match="has no letters"):
        spell(typed)


def test_a_label_keeps_its_letters_and_loses_its_spaces() -> None:
    assert tidy("  Zoë\u2019s  R2-D2 ") == "Zoë's R2-D2"


def test_every_number_is_read_in_words_that_count_up_to_it() -> None:
    """The words of a number, taken by an English reader of numbers, give that number again."""
    for number in [*range(0, 1100), *range(2000, 2100), 9000, 10_001, 110_110, 999_999_999]:
        assert _value(read_numbers(str(number)).split()) == number


def _value(words: list[str]) -> int:
    names = read_numbers(" ".join(map(str, range(20)))).split()
    tens = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
    total = part = 0
    for word in words:
        if word == "hundred":
            part *= 100
        elif word in ("thousand", "million"):
            total += part * {"thousand": 1000, "million": 1_000_000}[word]
            part = 0
        else:
            part += 10 * tens.index(word) + 20 if word in tens else names.index(word)
    return total + part


def test_a_file_of_phrases(tmp_path) -> None:
    path = tmp_path / "near.txt"
    path.write_bytes("\ufeffhey you \r\n\n  hay 5\n".encode())
    assert read_phrases(path) == ["hey you", "hay 5"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="give a text file"):
        read_phrases(path)


@pytest.mark.parametrize("phrase", ["a", "x", "W", "go", "hey", "Spock", "house", "hmm", "a!"])
def test_short_phrases_are_refused_with_the_reason(phrase) -> None:
    with pytest.raises(SettingsError, match=r"sounds that short are in all speech.*--anyway"):
        refuse_unfit_length(phrase)


@pytest.mark.parametrize(
    "phrase",
    ["hey pi", "Mia", "Leo", "Zoe", "computer", "okay", "zorblax", "what's up", "C three P O"],
)
def test_ordinary_phrases_are_long_enough(phrase) -> None:
    refuse_unfit_length(phrase)


def test_sentences_are_refused_with_the_reason() -> None:
    sentence = "please turn on the lights in the kitchen and then close the door"
    with pytest.raises(SettingsError, match=r"14 syllables, about 4 s of speech.*--anyway"):
        refuse_unfit_length(sentence)
    refuse_unfit_length("open the pod bay doors please hal")


@pytest.mark.parametrize(("word", "count"), [("zorblax", 2), ("bleeple", 2), ("gnarfe", 1)])
def test_syllables_of_words_in_no_dictionary(word, count) -> None:
    assert syllables(word) == count
