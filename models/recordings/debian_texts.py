"""What people wrote, from Debian packages: sentences for synthetic voices to read."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.recordings.debian_packages import download, unpacked

ENGLISH = "english"
PACKAGES = {
    ENGLISH: "fortunes-min fortunes",
    "bulgarian": "fortunes-bg",
    "czech": "fortunes-cs",
    "german": "fortunes-de",
    "italian": "fortunes-it",
    "polish": "fortunes-pl",
    "portuguese": "fortunes-br",
    "russian": "fortunes-ru",
    "spanish": "fortunes-es",
}
"""Collections of sayings and jokes; each text stands between lines of "%"."""
INDEX = ".dat"
"""Ends the name of the index that lies beside each collection."""
OFFENSIVE = "off"
"""The folder of what nobody should have to hear, in a cipher."""
FEWEST_WORDS, MOST_WORDS = 4, 18
UNSPEAKABLE = re.compile(r"[^\w\s',.?!-]|[\d_]")
"""What voices would spell out or stumble over."""
SOURCE = re.compile(r"^\s+--.*", re.MULTILINE | re.DOTALL)
"""Who said it, at the end of a text."""


def gather_texts(out: Path) -> dict[str, int]:
    """Write a file of sentences, one a line, for each language; return how many each has.

    Raises MissingToolError without apt, AudioError when a package cannot be had.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for language, packages in PACKAGES.items():
        found: dict[str, None] = {}
        for package in packages.split():
            sentences = _sentences_of_package(package)
            found |= {words: None for words in sentences if words.isascii() or language != ENGLISH}
        (out / f"{language}.txt").write_text("".join(f"{line}\n" for line in found), "utf-8")
        counts[language] = len(found)
    return counts


def _sentences_of_package(package: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        yield from sentences_in(download(package, folder))


def sentences_in(deb: Path) -> Iterator[str]:
    """Yield the sentences of the collections in one package file."""
    with unpacked(deb) as root:
        for index in sorted(root.rglob(f"*{INDEX}")):
            collection = index.with_suffix("")
            if collection.is_file() and OFFENSIVE not in collection.relative_to(root).parts:
                yield from sentences_of(collection.read_text("utf-8", errors="replace"))


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a collection that a voice can read aloud and that are not too long."""
    for saying in re.split(r"^%.*$", text, flags=re.MULTILINE):
        for sentence in re.split(r"(?<=[.?!])\s+", " ".join(SOURCE.sub("", saying).split())):
            words = sentence.strip(" -").replace("’", "'").replace(";", ",")
            if UNSPEAKABLE.search(words) or not re.search(r"[.?!]$", words):
                continue
            if FEWEST_WORDS <= len(words.split()) <= MOST_WORDS:
                yield words
