"""`trigger-word run` as a process of its own, for tests."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from virtual_sound import Pulse, beeps, write_wav

BEEP = str(Path(__file__).parent / "data" / "beep.tflite")


class Running:
    """The daemon, what it says and what it logs."""

    def __init__(self, environment: dict[str, str], *arguments: str, prelude: str = "") -> None:
        """
        prelude: Python that runs before the command, to break something.
        """
        code = f"import sys\n{prelude}\nfrom firmware_py.__main__ import main\nsys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "run", "--json", *arguments],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.events: list[dict[str, Any]] = []
        self.log = ""
        self._readers = [Thread(target=self._read_events), Thread(target=self._read_log)]
        for reader in self._readers:
            reader.start()

    def _read_events(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def _read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log += line

    def wait_for(self, condition: Callable[[], object], seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come; the log says:\n{self.log}"
            time.sleep(0.02)

    def wait_for_log(self, words: str) -> None:
        self.wait_for(lambda: words in self.log)

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(90)
        for reader in self._readers:
            reader.join()
        assert self.process.stdout
        assert self.process.stderr
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@contextmanager
def running(environment: dict[str, str], *arguments: str, prelude: str = "") -> Iterator[Running]:
    daemon = Running(environment, *arguments, prelude=prelude)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.end(signal.SIGKILL)


def say(pulse: Pulse, *starts: float, seconds: float = 0.0) -> None:
    """Play beeps into the microphone, to the end."""
    samples = beeps(starts, seconds or max(starts) + 0.5)
    assert pulse.play(write_wav(pulse.folder / "said.wav", samples)).wait() == 0


def write_settings(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(f"[[model]]\npath = {json.dumps(BEEP)}\n{text}")
    return path
