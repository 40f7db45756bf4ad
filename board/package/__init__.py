"""The Debian package for the device: what it holds, and building it without root."""

from board.package.build import build_package

__all__ = ["build_package"]
