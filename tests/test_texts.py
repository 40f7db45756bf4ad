"""Sentences out of collections of sayings."""

from models.texts import sentences_of

SAYINGS = """\
The early bird catches
the worm.  It should have stayed in bed!
\t\t-- Nobody, "A Book of 1990"
%
Too short.
%
There are 12 of them in the room.
%
Donde hay concordia siempre hay victoria; así es.
% a comment
no end of a sentence that goes on
%
"""


def test_whole_sentences_of_words_alone_without_their_authors() -> None:
    assert list(sentences_of(SAYINGS)) == [
        "The early bird catches the worm.",
        "It should have stayed in bed!",
        "Donde hay concordia siempre hay victoria, así es.",
    ]


def test_a_very_long_sentence_is_left_out() -> None:
    assert list(sentences_of("word " * 18 + ".")) == []
    assert len(list(sentences_of("word " * 17 + "end."))) == 1
