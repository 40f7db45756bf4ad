"""Signed models: ed25519 (RFC 8032) over the metadata, which holds the network's digest.

The signature travels in the artefact's ZIP, so that model and signature are one file.
"""

import io
import zipfile
from binascii import Error as Base64Error
from collections.abc import Sequence
from pathlib import Path

from firmware_py.artefact import METADATA_NAME
from firmware_py.errors import ArtefactError, MissingToolError, SettingsError

SIGNATURE_NAME = "signature.ed25519"
"""Entry of the ZIP: the 64 bytes of the signature."""
REMEDY = "sign it with: python -m board sign MODEL --key KEY"


def signed_message(metadata_text: bytes) -> bytes:
    """Return what is signed; the prefix keeps signatures for other purposes out."""
    return b"trigger-word model\n" + metadata_text


def check_signature(content: bytes, path: Path, public_keys: Sequence[str]) -> None:
    """Raise ArtefactError unless one of the keys has signed the artefact in `content`.

    public_keys: base64. path: for the message.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(METADATA_NAME)
        if SIGNATURE_NAME not in archive.namelist():
            raise ArtefactError(f"{path}: the model is not signed, but has to be; {REMEDY}")
        signature = archive.read(SIGNATURE_NAME)
    if not any(_verifies(key, signed_message(text), signature) for key in public_keys):
        raise ArtefactError(
            f"{path}: the signature is by none of the {len(public_keys)} trusted keys; {REMEDY}"
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
        raise SettingsError(f"{key!r} is no ed25519 public key in base64") from error
    try:
        verifier.verify(message, signature)
    except (BadSignatureError, KeyTypeError, KeyValueError):
        return False
    return True
