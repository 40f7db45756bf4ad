"""The readers of what people and networks hand us, each with small good inputs to begin from."""

import asyncio
import contextlib
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from firmware_py.artefact import parse_artefact
from firmware_py.errors import ArtefactError
from firmware_py.flatbuffer_check import check_flatbuffer
from firmware_py.installation.signature import read_trusted
from firmware_py.reading.model_file import METADATA_NAME, take_apart
from firmware_py.settings import read_settings
from firmware_py.settings.text import default_settings_text
from fuzz.reader import Reader, of_file
from fuzz.trained import TRAINED

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
CORPUS = Path(__file__).parent / "corpus"
"""A folder for each reader: what once went wrong, and inputs that lead somewhere."""
KEY = "ZXhhbXBsZSBvbmx5OiBwdXQgeW91ciBrZXkgaGVyZSE="


def _artefacts() -> list[bytes]:
    return [(DATA / name).read_bytes() for name in ("beep.tflite", "long-beep.tflite")]


def _metadata(content: bytes) -> None:
    """The metadata alone, without the compression around them."""
    beep = take_apart((DATA / "beep.tflite").read_bytes(), Path("beep.tflite"))
    buffer = io.BytesIO(beep.flatbuffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(METADATA_NAME, content)
    parse_artefact(buffer.getvalue(), Path("made.tflite"))


def _flatbuffers() -> list[bytes]:
    return [take_apart(content, Path("x")).flatbuffer for content in _artefacts()]


def _wyoming(content: bytes) -> None:
    from firmware_py.wake_service.messages import MessageError, read_message

    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(content)
        reader.feed_eof()
        while await read_message(reader, 1.0):
            pass

    with contextlib.suppress(MessageError):
        asyncio.run(read())


def _sound(path: Path) -> None:
    from firmware_py.audio import read_blocks

    for _ in read_blocks(path):
        pass


def _sounds() -> list[bytes]:
    import soundfile

    sounds = []
    for kind in ("WAV", "FLAC", "AIFF"):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.arange(-50, 50, dtype=np.int16), 16000, format=kind)
        sounds.append(buffer.getvalue())
    return sounds


def _recordings(path: Path) -> None:
    from models.recordings.manifest import read_manifest

    read_manifest(path.parent)


def _split_list(path: Path) -> None:
    from models.settings.words import Division
    from models.words.division import read_parts

    parts = read_parts(path.parent, Division(list=path.name))
    for file in parts.listed:
        parts.part_of(file)


def _config(path: Path) -> None:
    from models.settings.config import read_config

    read_config(path)


def _folds(content: bytes) -> None:
    from models.recordings.folds import parse_folds

    parse_folds(content.decode(errors="replace"))


PACKAGE = b"as it were"


def _bundle(path: Path) -> None:
    from board.bundle.manifest import read_bundle

    (path.parent / "packages").mkdir()
    (path.parent / "packages" / "own.deb").write_bytes(PACKAGE)
    read_bundle(path.parent)


def _manifest() -> bytes:
    file = {
        "path": "packages/own.deb",
        "package": "trigger-word",
        "version": "1",
        "origin": "this project",
        "sha256": hashlib.sha256(PACKAGE).hexdigest(),
        "size": len(PACKAGE),
    }
    head = {"release": "bookworm", "architecture": "arm64", "version": "1"}
    return json.dumps({**head, "files": [file]}).encode()


def _signed(content: bytes) -> None:
    try:
        read_trusted(content, Path("signed.tflite"), (KEY,), 1)
    except ArtefactError:
        raise
    raise AssertionError("an unsigned model was taken")


QUICK = {
    "artefact": Reader(lambda content: parse_artefact(content, Path("made.tflite")), _artefacts),
    "signed": Reader(_signed, _artefacts),
    "metadata": Reader(
        _metadata,
        lambda: [take_apart(each, Path("x")).entries[METADATA_NAME] for each in _artefacts()[:1]],
    ),
    "flatbuffer": Reader(check_flatbuffer, _flatbuffers),
    "settings": Reader(
        of_file(read_settings, "site.toml"), lambda: [default_settings_text().encode()]
    ),
    "wyoming": Reader(
        _wyoming,
        lambda: [
            b'{"type": "detect", "data": {"names": ["beep"]}}\n',
            b'{"type": "audio-chunk", "data_length": 48, "payload_length": 4}\n%b\0\0\0\0'
            % b'{"rate": 16000, "width": 2, "channels": 1     }',
        ],
    ),
    "sound": Reader(of_file(_sound, "made.wav"), _sounds),
    "folds": Reader(_folds, lambda: [b"0,1", b"2-9"]),
    "recordings": Reader(
        of_file(_recordings, "manifest.csv"), lambda: [b"file,word_start,word_end\na.wav,0.1,0.5\n"]
    ),
    "split-list": Reader(
        of_file(_split_list, "split.csv"),
        lambda: [b"file,official_split\nyes/a_nohash_0.wav,training\nno/b_nohash_1.wav,testing\n"],
    ),
    "config": Reader(
        of_file(_config, "config.toml"),
        lambda: [(ROOT / "models" / "configs" / "activate.toml").read_bytes()],
    ),
    "bundle": Reader(of_file(_bundle, "MANIFEST.json"), lambda: [_manifest()]),
}
"""Readers that are tried thousands of times a second."""

READERS = {**QUICK, **TRAINED}
