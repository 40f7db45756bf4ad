"""What the board says of itself: heat, throttling, clock."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

THERMAL_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")
CPU_CLOCK = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
THROTTLED_FLAGS = {
    0: "under-voltage now",
    1: "clock capped now",
    2: "throttled now",
    3: "at the soft temperature limit now",
    16: "under-voltage since the start",
    17: "clock capped since the start",
    18: "throttled since the start",
    19: "at the soft temperature limit since the start",
}
"""Bits of the Raspberry Pi's get_throttled:
https://www.raspberrypi.com/documentation/computers/os.html#get_throttled"""


@dataclass(frozen=True)
class BoardState:
    """A reading; None where the board has no such sensor."""

    temperature_celsius: float | None
    cpu_clock_hz: int | None
    throttling: tuple[str, ...] | None
    """What slows the board down, in words; empty: nothing."""


def read_board_state() -> BoardState:
    """Return what can be read now."""
    temperature, clock = _number(THERMAL_ZONE), _number(CPU_CLOCK)
    return BoardState(
        temperature_celsius=None if temperature is None else temperature / 1000,
        cpu_clock_hz=None if clock is None else clock * 1000,
        throttling=_throttling(),
    )


def throttling_words(flags: int) -> tuple[str, ...]:
    """Return the meaning of the flags of get_throttled."""
    return tuple(words for bit, words in THROTTLED_FLAGS.items() if flags >> bit & 1)


def clock_is_synchronised() -> bool | None:
    """Return whether the time of day comes from the network; None where nothing tells."""
    answer = _output_of("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return None if answer is None else answer.strip() == "yes"


def _throttling() -> tuple[str, ...] | None:
    answer = _output_of("vcgencmd", "get_throttled")
    match = re.search(r"0x([0-9a-fA-F]+)", answer or "")
    return throttling_words(int(match[1], 16)) if match else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _output_of(*program: str) -> str | None:
    """Return what a program prints, or None if it is missing or fails."""
    if not shutil.which(program[0]):
        return None
    try:
        done = subprocess.run(program, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
