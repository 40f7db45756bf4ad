"""Every file that lands on a device, with its origin and digest."""

from board.files.listing import DeviceFile, device_files

__all__ = ["DeviceFile", "device_files"]
