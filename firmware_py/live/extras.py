"""Packages that only some sites need."""

from collections.abc import Iterator
from contextlib import contextmanager

from firmware_py.errors import MissingToolError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Turn a package that is missing, of the extra `name`, into what to do about it."""
    try:
        yield
    except ImportError as error:
        raise MissingToolError(
            f"[{name}] needs {error.name}; install it with: pip install 'trigger-word[{name}]'"
        ) from error
