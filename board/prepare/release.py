"""Which Raspberry Pi OS is on a card, read from its boot partition."""

import re

from board.bundle import Release
from board.errors import BoardError
from board.prepare.boot_partition import BootPartition

FIRST_BOOKWORM = "2023-10-10"
"""https://downloads.raspberrypi.com/raspios_arm64/release_notes.txt"""

CLOUD_INIT_SEED = ("meta-data", "network-config", "user-data")
"""Trixie's images carry these on the boot partition; no Bookworm image does."""

FIRST_BOOT = "init=/usr/lib/raspberrypi-sys-mods/firstboot"
"""On the kernel command line of Bookworm's images until they have been started."""


def detect_release(card: BootPartition) -> Release:
    """Return the release of the 64-bit Raspberry Pi OS on `card`.

    Raises BoardError where it is something else, or cannot be told.
    """
    names = card.names()
    if "config.txt" not in names or "cmdline.txt" not in names:
        raise BoardError(
            f"{card} is not a boot partition of Raspberry Pi OS: it has no config.txt and"
            " cmdline.txt; name the mounted partition called bootfs, or the .img file"
        )
    if "kernel7.img" in names:
        raise BoardError(
            f"{card} holds the 32-bit system; write Raspberry Pi OS Lite (64-bit) to the card"
        )
    if names.issuperset(CLOUD_INIT_SEED):
        return "trixie"
    date = _date(card)
    if date and date < FIRST_BOOKWORM:
        raise BoardError(
            f"{card} holds Raspberry Pi OS of {date}; write Bookworm or Trixie to the card"
        )
    if FIRST_BOOT in card.read("cmdline.txt").decode(errors="replace"):
        return "bookworm"
    raise BoardError(
        f"{card} does not tell which Raspberry Pi OS it holds; add --release bookworm or"
        " --release trixie"
    )


def _date(card: BootPartition) -> str:
    """Return the date that issue.txt says the image was made, or nothing."""
    if "issue.txt" not in card.names():
        return ""
    found = re.search(r"reference (\d{4}-\d\d-\d\d)", card.read("issue.txt").decode())
    return found[1] if found else ""
