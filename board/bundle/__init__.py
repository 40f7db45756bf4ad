"""The offline bundle: everything that a device installs, for one Debian release."""

from board.bundle.building import build_bundle
from board.bundle.manifest import Bundle, BundledFile, read_bundle
from board.bundle.releases import RELEASES, Release

__all__ = ["RELEASES", "Bundle", "BundledFile", "Release", "build_bundle", "read_bundle"]
