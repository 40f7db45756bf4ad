"""What runs on the device while it is made ready, and the folder that it works from."""

from board.device.kit import INSTALL_SCRIPT, Kit

__all__ = ["INSTALL_SCRIPT", "Kit"]
