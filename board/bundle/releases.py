"""The Debian releases that Raspberry Pi OS comes in."""

from typing import Literal, get_args

Release = Literal["bookworm", "trixie"]

RELEASES: tuple[Release, ...] = get_args(Release)
"""Oldest first: Debian 12 (Python 3.11) and Debian 13 (Python 3.13)."""

ARCHITECTURE = "arm64"
"""Of the packages for a Pi."""
