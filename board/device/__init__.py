"""What runs on the device while it is made ready, and the folder that it works from."""

from board.device.kit import Kit

__all__ = ["Kit"]
