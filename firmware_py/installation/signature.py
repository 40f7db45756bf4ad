"""Signed models: ed25519 (RFC 8032) over the metadata, which holds the network's digest.

The signature travels in the artefact's ZIP, so that model and signature are one file.
"""

from binascii import Error as Base64Error
from collections.abc import Sequence
from pathlib import Path

from firmware_py.artefact import Artefact, parse_artefact
from firmware_py.errors import ArtefactError, MissingToolError, SettingsError
from firmware_py.reading.files import shown
from firmware_py.reading.model_file import METADATA_NAME, SIGNATURE_NAME, ModelFile, take_apart

REMEDY = "sign it with: python -m board sign MODEL --key KEY"


class UntrustedError(ArtefactError):
    """A whole model that a site does not want: not signed by one of its keys, or too old."""


def signed_message(metadata_text: bytes) -> bytes:
    """Return what is signed; the prefix keeps signatures for other purposes out."""
    return b"trigger-word model\n" + metadata_text


def read_trusted(
    content: bytes, path: Path, public_keys: Sequence[str], least_version: int = 0
) -> Artefact:
    """Return the artefact in `content`, which has been read once: what is checked is what is used.

    public_keys: base64; with any, one of them must have signed the model, and its version must be
    `least_version` at least. path: for messages. Raises ArtefactError, UntrustedError for a whole
    model that is not wanted.
    """
    artefact = parse_artefact(content, path)
    if public_keys:
        _check_signature(take_apart(content, path), public_keys)
        version = artefact.metadata.version or 0
        if version < least_version:
            raise UntrustedError(
                f"{shown(path)}: the model's version is {version}, and the settings want"
                f" {least_version} at least; install a newer one"
            )
    return artefact


def _check_signature(file: ModelFile, public_keys: Sequence[str]) -> None:
    """Raise UntrustedError unless one of the keys has signed the file's metadata."""
    text, signature = file.entries[METADATA_NAME], file.entries.get(SIGNATURE_NAME)
    if signature is None:
        raise UntrustedError(
            f"{shown(file.path)}: the model is not signed, but has to be; {REMEDY}"
        )
    if not any(_verifies(key, signed_message(text), signature) for key in public_keys):
        raise UntrustedError(
            f"{shown(file.path)}: the signature is by none of the {len(public_keys)} trusted"
            f" keys; {REMEDY}"
        )


def _verifies(key: str, message: bytes, signature: bytes) -> bool:
    try:
        from nacl.encoding import Base64Encoder
        from nacl.exceptions import BadSignatureError
        from nacl.exceptions import TypeError as KeyTypeError
        from nacl.exceptions import ValueError as KeyValueError
        from nacl.signing import VerifyKey
    except ImportError as error:
        raise MissingToolError(
            "signed models need PyNaCl; install it with: pip install 'trigger-word[signatures]'"
        ) from error
    try:
        verifier = VerifyKey(key.encode(), encoder=Base64Encoder)
    except (KeyTypeError, KeyValueError, Base64Error, ValueError) as error:
        raise SettingsError(f"{key!r} is not an ed25519 public key in base64") from error
    try:
        verifier.verify(message, signature)
    except (BadSignatureError, KeyTypeError, KeyValueError):
        return False
    return True
