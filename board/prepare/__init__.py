"""Prepare a card with stock Raspberry Pi OS so that it installs trigger-word at first boot."""

from board.prepare.card import BootPartition
from board.prepare.cards import open_card
from board.prepare.owner import Owner, Wifi
from board.prepare.preparing import prepare_card
from board.prepare.release import detect_release

__all__ = ["BootPartition", "Owner", "Wifi", "detect_release", "open_card", "prepare_card"]
