"""Boards and audio hardware that the project knows, as data."""

from board.profiles.audio import AudioHardware, Wire, combine, read_audio_hardware
from board.profiles.boards import Board, read_boards

__all__ = ["AudioHardware", "Board", "Wire", "combine", "read_audio_hardware", "read_boards"]
