"""A program that is run at each event."""

import os
import signal
import subprocess
from typing import BinaryIO

from firmware_py.errors import DeviceError
from firmware_py.outputs.event import Event
from firmware_py.outputs.worker import Output
from firmware_py.settings.outputs import CommandSettings

LONGEST_MESSAGE = 300


class Command(Output):
    """Runs a program and waits for its end, but not for ever."""

    def __init__(self, settings: CommandSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._interrupted = False

    def handle(self, event: Event) -> None:
        """Run the program; raises DeviceError when it fails or takes too long.

        It gets a process group of its own, so that what it started is killed with it. What it
        leaves running in the background when it ends by itself goes on.
        """
        name = self.settings.program[0]
        # Not a pipe: one that a background process holds open would be waited for.
        with os.fdopen(os.memfd_create("complaints"), "w+b") as complaints:
            try:
                process = subprocess.Popen(
                    self.settings.program,
                    env={**os.environ, **_environment(event)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=complaints,
                    start_new_session=True,
                )
            except OSError as error:
                raise DeviceError(f"{name} does not start: {error.strerror}") from error
            self._process = process
            if self._interrupted:  # before there was a process to kill
                _kill_group(process)
            try:
                process.wait(self.settings.timeout_seconds)
            except subprocess.TimeoutExpired as error:
                raise DeviceError(
                    f"{name} was killed after {self.settings.timeout_seconds:g} s"
                ) from error
            finally:
                self._process = None
                _kill_group(process)
                process.wait()
            if process.returncode:
                raise DeviceError(
                    f"{name} ended with {process.returncode}: {_last_words(complaints)!r}"
                )

    def interrupt(self) -> None:
        """Kill the program that is running, or that is just starting."""
        self._interrupted = True
        if self._process:
            _kill_group(self._process)


def _environment(event: Event) -> dict[str, str]:
    names = ("label", "model", "score", "time_seconds", "timestamp")
    return {f"TRIGGER_WORD_{name.upper()}": str(getattr(event, name)) for name in names}


def _last_words(complaints: BinaryIO) -> str:
    complaints.seek(-min(LONGEST_MESSAGE, complaints.seek(0, os.SEEK_END)), os.SEEK_END)
    return complaints.read().decode(errors="replace").strip()


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a program that still runs, with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
