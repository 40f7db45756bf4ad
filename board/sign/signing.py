"""ed25519 keys, and artefacts that carry a signature in their ZIP."""

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

from nacl.encoding import Base64Encoder
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from board.errors import BoardError
from firmware_py.artefact import pack_artefact, parse_artefact
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.installation.signature import signed_message
from firmware_py.reading.model_file import METADATA_NAME, SIGNATURE_NAME


def make_key(path: Path) -> SigningKey:
    """Return a new key, written to `path` for its owner only; raises BoardError if it is there."""
    key = SigningKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise BoardError(f"{path} is there already; a key is never overwritten") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.encode(Base64Encoder) + b"\n")
    return key


def read_key(path: Path) -> SigningKey:
    """Return the private key in `path`."""
    try:
        return SigningKey(path.read_bytes().strip(), encoder=Base64Encoder)
    except (CryptoError, TypeError, ValueError) as error:
        raise BoardError(
            f"{path} holds no private key; make one with: python -m board sign --new-key FILE"
        ) from error


def public_key(key: SigningKey) -> str:
    """Return the public half in base64, as the settings name it."""
    return key.verify_key.encode(Base64Encoder).decode()


def signed(content: bytes, path: Path, key: SigningKey, version: int | None = None) -> bytes:
    """Return the artefact in `content` with a signature, instead of the one that it has.

    path: for messages. version: written into the metadata, instead of what they have.
    Raises ArtefactError for what is no artefact, and for a version that is none.
    """
    artefact = parse_artefact(content, path)
    if version is not None:
        try:
            metadata = replace(artefact.metadata, version=version)
        except SettingsError as error:
            raise ArtefactError(f"{path}: {error}") from error
        content = pack_artefact(artefact.flatbuffer, metadata, artefact.verifier)
    buffer = io.BytesIO(artefact.flatbuffer)
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "a") as new:
        signature = key.sign(signed_message(old.read(METADATA_NAME))).signature
        for entry in old.infolist():
            if entry.filename != SIGNATURE_NAME:
                kept = zipfile.ZipInfo(entry.filename)
                new.writestr(kept, old.read(entry), zipfile.ZIP_DEFLATED)
        new.writestr(zipfile.ZipInfo(SIGNATURE_NAME), signature)
    return buffer.getvalue()
