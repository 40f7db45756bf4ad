"""Sentences out of collections of sayings."""

import codecs
import shutil
import subprocess
from pathlib import Path

import pytest

from models.recordings.debian_texts import sentences_in, sentences_of

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


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is missing")
def test_collections_are_told_by_their_index_and_offensive_ones_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "root/usr/share/games/fortunes"
    collections = {
        "es/proverbs.fortunes": "A good text has five words.",
        "ru/2001.03": "Each file with an index counts.",
        "es/off/rude": codecs.encode("Nobody wants to hear this one.", "rot13"),
    }
    for name, text in collections.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text}\n%\n")
        (folder / f"{name}.dat").write_bytes(b"\0\0\0\2")
    (folder / "README").write_text("This file is no collection at all.\n")
    (folder / "gone.dat").write_bytes(b"\0\0\0\2")
    control = tmp_path / "root/DEBIAN/control"
    control.parent.mkdir()
    control.write_text(
        "Package: texts\nVersion: 1\nArchitecture: all\nMaintainer: none\nDescription: texts\n"
    )
    deb = tmp_path / "texts.deb"
    subprocess.run(["dpkg-deb", "--build", tmp_path / "root", deb], check=True, capture_output=True)
    assert list(sentences_in(deb)) == [
        "A good text has five words.",
        "Each file with an index counts.",
    ]
