"""The password's hash and the token, in files that only the service may read.

A password is kept as scrypt (RFC 7914) makes it, in one line:
scrypt$LOG2_N$R$P$SALT$HASH, the last two in base64.
"""

import base64
import hmac
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from firmware_py.errors import SettingsError
from firmware_py.reading.files import read_file
from firmware_py.settings.secret_files import refuse_open_file

LOG2_N, BLOCK_SIZE, PARALLELISM = 14, 8, 1
"""16 MB and a tenth of a second on a Pi for each guess (OWASP's second choice)."""
MOST_LOG2_N = 17
SALT_BYTES, HASH_BYTES = 16, 32
LEAST_PASSWORD, MOST_PASSWORD = 8, 1024
LEAST_TOKEN = 20
MOST_BYTES = 4096
REMEDY = "make it with: trigger-word password FILE"


class _Scrypt(Protocol):
    def __call__(
        self, password: bytes, *, salt: bytes, n: int, r: int, p: int, maxmem: int, dklen: int
    ) -> bytes: ...


@dataclass(frozen=True)
class PasswordHash:
    """A password, as far as it is kept."""

    log2_n: int
    block_size: int
    parallelism: int
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Return whether it is this password; takes its time, on purpose."""
        if len(password) > MOST_PASSWORD:
            return False
        digest = _scrypt(password, self.log2_n, self.block_size, self.parallelism, self.salt)
        return hmac.compare_digest(digest, self.digest)

    def line(self) -> str:
        """Return what a password file holds."""
        parts = [self.log2_n, self.block_size, self.parallelism, _text(self.salt)]
        return "$".join(["scrypt", *map(str, parts), _text(self.digest)])


def hash_password(password: str) -> PasswordHash:
    """Return the hash of a new password; raises SettingsError for a short one."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise SettingsError(
            f"the password has {len(password)} characters; use {LEAST_PASSWORD} to {MOST_PASSWORD}"
        )
    salt = os.urandom(SALT_BYTES)
    digest = _scrypt(password, LOG2_N, BLOCK_SIZE, PARALLELISM, salt)
    return PasswordHash(LOG2_N, BLOCK_SIZE, PARALLELISM, salt, digest)


def read_password_file(path: Path) -> PasswordHash:
    """Return the hash in a file; raises SettingsError, without the content in its words."""
    parts = _read_secret(path).split("$")
    try:
        kind, log2_n, block_size, parallelism, salt, digest = parts
        found = PasswordHash(
            int(log2_n),
            int(block_size),
            int(parallelism),
            base64.b64decode(salt, validate=True),
            base64.b64decode(digest, validate=True),
        )
    except ValueError as error:
        raise SettingsError(f"{path}: this is not a password file; {REMEDY}") from error
    cheap = 10 <= found.log2_n <= MOST_LOG2_N and (found.block_size, found.parallelism) == (8, 1)
    if kind != "scrypt" or not cheap or len(found.digest) != HASH_BYTES:
        raise SettingsError(f"{path}: this is not a password file of ours; {REMEDY}")
    return found


def read_token_file(path: Path) -> str:
    """Return the token in a file; raises SettingsError, without the content in its words."""
    token = _read_secret(path)
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            f"{path}: a token is one word of at least {LEAST_TOKEN} characters; make one with:"
            f" openssl rand -hex 24 > {path.name}"
        )
    return token


def _read_secret(path: Path) -> str:
    """Return the only line of a file that nobody else may read or change."""
    refuse_open_file(path)
    try:
        return read_file(path, "secret", MOST_BYTES, SettingsError).decode().strip()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: this is not text") from error


def _scrypt(password: str, log2_n: int, block_size: int, parallelism: int, salt: bytes) -> bytes:
    return _implementation()(
        password.encode(),
        salt=salt,
        n=1 << log2_n,
        r=block_size,
        p=parallelism,
        maxmem=256 * block_size * (1 << log2_n),
        dklen=HASH_BYTES,
    )


def _implementation() -> _Scrypt:
    """Return OpenSSL's scrypt, which `run` keeps hashlib from loading until somebody wants it."""
    if sys.modules.get("_hashlib", ...) is None:
        del sys.modules["_hashlib"]
    from _hashlib import scrypt

    found: _Scrypt = scrypt
    return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
