"""Passwords: typed, from a file or from standard input, never from the command line."""

import getpass
import sys
from pathlib import Path

from board.errors import BoardError
from board.programs import run

METHOD = "yescrypt"
"""What Debian hashes passwords with since release 11."""


def read_secret(path: Path | None, what: str, twice: bool = True) -> str:
    """Return the first line of a file (`-`: standard input), or what a person types."""
    if path is None:
        return _typed(what, twice)
    if str(path) == "-":
        line = sys.stdin.readline()
    else:
        try:
            line = path.read_text(encoding="utf-8").partition("\n")[0]
        except OSError as error:
            raise BoardError(f"{path}: cannot read the {what}: {error.strerror}") from error
    secret = line.rstrip("\r\n")
    if not secret:
        raise BoardError(f"the {what} is empty; write it to the first line")
    return secret


def hash_unless_same(password: str, earlier: str = "") -> str:
    """Return the hash of a password; the earlier hash if it is of the same password."""
    command = ["mkpasswd", "--stdin"]
    if earlier.startswith("$"):
        again = run([*command, f"--salt={earlier}"], package="whois", stdin=password.encode())
        if again.decode().strip() == earlier:
            return earlier
    hashed = run([*command, f"--method={METHOD}"], package="whois", stdin=password.encode())
    return hashed.decode().strip()


def _typed(what: str, twice: bool) -> str:
    if not sys.stdin.isatty():
        raise BoardError(f"there is no terminal to type the {what} on; give it in a file")
    secret = getpass.getpass(f"{what}: ")
    if not secret or (twice and getpass.getpass(f"{what}, again: ") != secret):
        raise BoardError(f"the {what} was empty or not the same twice; try again")
    return secret
