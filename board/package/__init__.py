"""The Debian package for the device: what it holds, and building it without root."""

from board.package.build import build

__all__ = ["build"]
