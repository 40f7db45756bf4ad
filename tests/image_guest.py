"""The image in QEMU: a Pi 3 with its pins, or a generic board where the Pi is not the point."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CARD = "1G"
"""QEMU wants a power of two."""
GPIO_LEVELS = 0x3F200034
"""Pins 0 to 31 of the Pi 3: GPLEV0 in BCM2835 ARM Peripherals, 6.1."""


@dataclass(frozen=True)
class Board:
    """How QEMU is started."""

    machine: tuple[str, ...]
    drive: str
    console: str


PI_3 = Board(("-M", "raspi3b"), "if=sd", "ttyS1")
GENERIC = Board(("-M", "virt", "-cpu", "cortex-a53", "-m", "1024"), "if=virtio", "ttyAMA0")
CLOCK = ("-accel", "tcg", "-icount", "shift=0,sleep=off")
"""The guest's time counts its instructions, one a nanosecond: however slow the emulation is, no
sound is lost and no time limit passes that a Pi would keep."""
NO_WATCHDOG = "systemd.watchdog_sec=0"
"""For the Pi 3: QEMU's model of its watchdog resets the board as soon as it is armed."""


@dataclass(frozen=True)
class Card:
    """A card with the image, and what the Pi's firmware would read from it."""

    path: Path
    kernel: Path
    initramfs: Path
    device_tree: Path
    command_line: str
    state_start: int
    """Where the partition that may be written to begins, bytes."""

    def written(self) -> list[int]:
        """Return where the guest has written, bytes from the card's start, in steps of 64 KiB."""
        shown = subprocess.run(
            ["qemu-img", "map", "--output=json", self.path], check=True, capture_output=True
        )
        extents = json.loads(shown.stdout)
        return [each["start"] for each in extents if each["depth"] == 0 and each["present"]]

    @property
    def folder(self) -> Path:
        return self.path.parent


def write_card(compressed: Path, folder: Path) -> Card:
    """Unpack the image and lay a card over it that takes the guest's writes."""
    image = folder / "image"
    subprocess.run(["zstd", "-q", "-d", "--sparse", "-o", image, compressed], check=True)
    table = subprocess.run(["sfdisk", "--dump", image], check=True, capture_output=True, text=True)
    starts = [int(sector) * 512 for sector in re.findall(r"start= *(\d+)", table.stdout)]
    for name in ("vmlinuz", "initrd", "cmdline.txt", "bcm2837-rpi-3-b.dtb"):
        subprocess.run(
            ["mcopy", "-i", f"{image}@@{starts[0]}", f"::{name}", folder / name], check=True
        )
    subprocess.run(
        [
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-F",
            "raw",
            "-b",
            image,
            folder / "card.qcow2",
            CARD,
        ],
        check=True,
    )
    return Card(
        folder / "card.qcow2",
        folder / "vmlinuz",
        folder / "initrd",
        folder / "bcm2837-rpi-3-b.dtb",
        (folder / "cmdline.txt").read_text(),
        starts[2],
    )


class ImageGuest:
    """A running guest: its console, a root shell on it, and QEMU's monitor."""

    def __init__(self, card: Card, board: Board, process: subprocess.Popen[bytes]) -> None:
        self.card = card
        self.board = board
        self.process = process
        self.log = card.folder / "console.log"
        self._console = _connect(card.folder / "console.sock")
        self._monitor = _connect(card.folder / "monitor.sock")
        self._text = ""
        self._number = 0
        self._read_monitor()

    def wait_for(self, pattern: str, timeout_seconds: float) -> re.Match[str]:
        """Return the match of what the console says next, and drop what came before it.

        Raises TimeoutError, with the last words, if it does not come.
        """
        end = time.monotonic() + timeout_seconds
        while True:
            found = re.search(pattern, self._text)
            if found:
                self._text = self._text[found.end() :]
                return found
            remaining = end - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"{pattern!r} did not come; the last was: {self._text[-3000:]}")
            self._console.settimeout(remaining)
            with contextlib.suppress(TimeoutError):
                got = self._console.recv(65536)
                if not got:
                    raise ConnectionError(f"QEMU has ended; the last was: {self._text[-3000:]}")
                self._text += got.decode(errors="replace").replace("\r", "")

    def shell(self, command: str, timeout_seconds: float = 120) -> str:
        """Return what a shell command prints; raises RuntimeError if it fails."""
        self._number += 1
        mark = f"mark-{self._number}"
        line = f"({command}) 2>&1; code=$?; echo '{mark}'-end \"$code\"\n"
        self._console.sendall(f"echo '{mark}'-begin; {line}".encode())
        self.wait_for(rf"{mark}-begin\n", timeout_seconds)
        output = ""
        found = self.wait_for(rf"(?s)(.*?){mark}-end (\d+)\n", timeout_seconds)
        output = found[1]
        if found[2] != "0":
            raise RuntimeError(f"{command} ended with {found[2]}: {output}")
        return output

    def monitor(self, command: str) -> str:
        """Return what QEMU's monitor answers."""
        self._monitor.sendall(f"{command}\n".encode())
        return self._read_monitor()

    def pin(self, number: int) -> bool:
        """Return the level of a pin, from the pin controller's register."""
        answer = self.monitor(f"xp /1wx {GPIO_LEVELS:#x}")
        word = re.findall(r": (0x[0-9a-f]{8})", answer)[-1]
        return bool(int(word, 16) >> number & 1)

    def wait_for_pin(self, number: int, high: bool, timeout_seconds: float) -> None:
        end = time.monotonic() + timeout_seconds
        while self.pin(number) != high:
            if time.monotonic() > end:
                raise TimeoutError(f"pin {number} did not go {'high' if high else 'low'}")
            time.sleep(0.05)

    def close(self) -> None:
        self._console.close()
        self._monitor.close()

    def pull_the_plug(self) -> None:
        """End QEMU at once: what the guest has not written is lost."""
        self.process.kill()
        self.process.wait()

    def _read_monitor(self) -> str:
        self._monitor.settimeout(30)
        answer = ""
        while not answer.endswith("(qemu) "):
            answer += self._monitor.recv(65536).decode(errors="replace")
        return answer


@contextlib.contextmanager
def start(card: Card, board: Board, options: str = "") -> Iterator[ImageGuest]:
    """Start the card in QEMU; it is killed at the end.

    The kernel's options open a root shell on the console and send the journal there: the image
    itself has neither. options: further ones.
    """
    for name in ("console.sock", "monitor.sock"):
        (card.folder / name).unlink(missing_ok=True)
    line = (
        f"{card.command_line.replace('ttyS1,115200', board.console).replace('quiet', '').strip()}"
        f" systemd.debug_shell={board.console} systemd.journald.forward_to_console=1"
        f" systemd.journald.max_level_console=info systemd.show_status=0 loglevel=3 {options}"
    )
    listen, log = f"path={card.folder}/{{}}.sock,server=on,wait=off", card.folder / "console.log"
    tree = ["-dtb", str(card.device_tree)] if board is PI_3 else []
    process = subprocess.Popen(
        [
            "qemu-system-aarch64",
            *board.machine,
            *CLOCK,
            "-no-reboot",
            "-display",
            "none",
            "-nic",
            "none",
            "-kernel",
            str(card.kernel),
            "-initrd",
            str(card.initramfs),
            *tree,
            "-append",
            line,
            "-drive",
            f"{board.drive},format=qcow2,file={card.path}",
            *(("-serial", "null") if board is PI_3 else ()),
            "-chardev",
            f"socket,id=console,{listen.format('console')},logfile={log},logappend=on",
            "-serial",
            "chardev:console",
            "-chardev",
            f"socket,id=monitor,{listen.format('monitor')}",
            "-monitor",
            "chardev:monitor",
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        with contextlib.closing(ImageGuest(card, board, process)) as guest:
            yield guest
    finally:
        process.kill()
        process.wait()


def missing_programs() -> list[str]:
    """Return the programs that QEMU needs here and that are not installed."""
    wanted = ("qemu-system-aarch64", "qemu-img", "zstd", "mcopy", "sfdisk")
    path = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
    return [name for name in wanted if not shutil.which(name, path=path)]


def _connect(path: Path) -> socket.socket:
    """Return a connection, as soon as QEMU listens."""
    end = time.monotonic() + 30
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return connection
