"""A model's file as it lies on the disk: a flatbuffer with a ZIP behind it, taken apart in bounds.

The ZIP is the appended one of the TensorFlow Lite metadata documentation. It is small and plain
here: a few entries, stored or deflated, none encrypted, no comment, no ZIP64.
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from firmware_py.errors import ArtefactError
from firmware_py.reading.files import read_file, refused_as, shown

METADATA_NAME = "metadata.json"
VERIFIER_NAME = "verifier.tflite"
"""The second stage's flatbuffer."""
SIGNATURE_NAME = "signature.ed25519"
"""The 64 bytes of the signature."""
REMEDY = "make it with: python -m convert MODEL -o OUT.tflite"

MOST_BYTES = 64 * 2**20
"""Of the whole file; the largest model of ours has one."""
ENTRY_BYTES = {METADATA_NAME: 2**20, VERIFIER_NAME: 32 * 2**20, SIGNATURE_NAME: 64}
"""The entries that are read, and the most that each may have when it is unpacked."""
MOST_DIRECTORY_BYTES = 16_384
MOST_RATIO = 100
"""Of an entry's size to what it takes in the file."""
_END = struct.Struct("<4s4H2LH")
"""End of central directory record (APPNOTE.TXT, 4.3.16)."""


@dataclass(frozen=True)
class ModelFile:
    """The parts of a model's file."""

    path: Path
    flatbuffer: bytes = field(repr=False)
    entries: Mapping[str, bytes] = field(repr=False)
    """Those of `ENTRY_BYTES` that are there, unpacked."""


def read_model_file(path: Path | str) -> bytes:
    """Return the bytes of the model at `path`; raises ArtefactError."""
    return read_file(Path(path), "model", MOST_BYTES, ArtefactError)


def take_apart(content: bytes, path: Path) -> ModelFile:
    """Return the parts of `content`, the bytes of the file `path`; raises ArtefactError."""
    if len(content) > MOST_BYTES:
        raise ArtefactError(f"{shown(path)}: the model is larger than {MOST_BYTES:,} bytes")
    if content[4:8] != b"TFL3":
        raise ArtefactError(f"{shown(path)}: this is not a TensorFlow Lite model; {REMEDY}")
    if not _has_small_directory(content):
        raise ArtefactError(f"{shown(path)}: the model has no {METADATA_NAME}; {REMEDY}")
    with (
        refused_as(ArtefactError, f"{shown(path)}: the model's metadata cannot be unpacked"),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if len(set(names)) != len(names):
            raise ArtefactError(f"{shown(path)}: an entry is there twice; {REMEDY}")
        if METADATA_NAME not in names:
            raise ArtefactError(f"{shown(path)}: the model has no {METADATA_NAME}; {REMEDY}")
        entries = {
            info.filename: _unpacked(archive, info, path)
            for info in infos
            if info.filename in ENTRY_BYTES
        }
        end = min(info.header_offset for info in infos)
    return ModelFile(path, content[:end], entries)


def _has_small_directory(content: bytes) -> bool:
    """Tell whether a ZIP ends `content` whose directory is quick to read."""
    place = len(content) - _END.size
    if place < 0:
        return False
    magic, *_, directory_bytes, _, comment = _END.unpack_from(content, place)
    zip64 = content[max(0, place - 20) : place].startswith(b"PK\x06\x07")
    plain = magic == b"PK\x05\x06" and comment == 0 and not zip64
    return bool(plain and directory_bytes <= MOST_DIRECTORY_BYTES)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    most = ENTRY_BYTES[info.filename]
    packed = info.compress_size
    fault = ""
    if info.file_size > most:
        fault = f"{info.file_size:,} bytes; at most {most:,} are read"
    elif info.file_size > MOST_RATIO * max(packed, 1):
        fault = f"{info.file_size:,} bytes packed into {packed:,}"
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        fault = "packed in an unknown way"
    if fault:
        raise ArtefactError(f"{shown(path)}: {info.filename} is {fault}; {REMEDY}")
    return archive.read(info)
