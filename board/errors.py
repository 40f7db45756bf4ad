"""What can go wrong on the workstation when a device is made ready."""

from firmware_py.errors import TriggerWordError


class BoardError(TriggerWordError, RuntimeError):
    """A board, card, package or image cannot be made as asked; the message names the remedy."""
