"""Where builds keep what they fetched and made."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return our folder `name` in the user's cache ($XDG_CACHE_HOME, or ~/.cache)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trigger-word" / name
