"""Other engines from the package index, each in a virtual environment of its own.

Only engines whose packages bring a model: nothing else is fetched.
"""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from board.benchmarks.benchmark import Benchmark, run_workload, single
from firmware_py.reading.lines import last_line

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Peer:
    """An engine and how it is run."""

    name: str
    script: str
    requirements: tuple[str, ...]
    variants: tuple[tuple[str, tuple[str, ...]], ...]
    """What is measured: words for the table, arguments for the script."""


PEERS = (
    Peer(
        "pymicro-wakeword 2.5.0",
        "peer_pymicro_wakeword.py",
        ("pymicro-wakeword==2.5.0",),
        (("one word", ("okay_nabu",)), ("three words", ("okay_nabu", "hey_jarvis", "alexa"))),
    ),
    Peer(
        "openwakeword 0.6.0",
        "peer_openwakeword.py",
        # pyopen-wakeword brings the networks that openwakeword would download; its interpreter
        # is tflite-runtime, which dies under numpy 2.
        (
            "openwakeword==0.6.0",
            "pyopen-wakeword==1.1.0",
            "numpy<2",
            "scipy<1.16",
            "scikit-learn<1.7",
        ),
        (("one word, tflite", ("okay_nabu",)),),
    ),
    Peer(
        "pocketsphinx 5.1.1",
        "peer_pocketsphinx.py",
        ("pocketsphinx==5.1.1",),
        (("one phrase", ("activate",)),),
    ),
)


def peer_benchmarks(audio: Path, folder: Path) -> Iterator[Benchmark]:
    """Yield the engines; what does not install is left out with a warning."""
    for peer in PEERS:
        python = _install(peer, folder)
        if python is None:
            continue
        for words, arguments in peer.variants:
            run = partial(run_workload, peer.script, audio, *arguments, python=python)
            yield single("peer", peer.name, words, run)


def _install(peer: Peer, folder: Path) -> Path | None:
    """Return the Python of an environment with the peer in it, made if it is not there."""
    home = folder / peer.script.removesuffix(".py")
    python, done = home / "bin" / "python", home / "installed"
    if done.exists():
        return python
    log.info("installing %s", peer.name)
    pip = [str(python), "-m", "pip", "install", "--quiet", *peer.requirements]
    for command in ([sys.executable, "-m", "venv", str(home)], pip):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            log.warning("%s: left out: %s", peer.name, last_line(result.stderr, "no reason given"))
            return None
    done.touch()
    return python
