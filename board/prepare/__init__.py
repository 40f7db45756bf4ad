"""Prepare a card with stock Raspberry Pi OS so that it installs trigger-word at first boot."""

from board.prepare.boot_partition import BootPartition
from board.prepare.open_card import open_card
from board.prepare.owner import Owner, Wifi
from board.prepare.preparing import prepare_card
from board.prepare.release import detect_release

__all__ = ["BootPartition", "Owner", "Wifi", "detect_release", "open_card", "prepare_card"]
