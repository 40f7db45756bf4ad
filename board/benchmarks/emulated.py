"""Instructions on emulated Raspberry Pi processors.

QEMU's clock counts instructions (`-icount`), so the counts repeat exactly. Milliseconds are an
estimate: `CYCLES_PER_INSTRUCTION` is a cautious guess, and nothing emulated says how fast a
processor is.
"""

import json
import logging
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from board.benchmarks.benchmark import ROOT, WORKLOADS, BenchmarkError
from board.benchmarks.ours import RUNTIMES, Variant
from firmware_py.reading.lines import last_line

CYCLES_PER_INSTRUCTION = 2.3
BOARDS = {
    "cortex-a53": (("Zero 2 W", 1.0e9), ("Pi 3", 1.4e9)),
    "cortex-a72": (("Pi 4", 1.5e9),),
    "cortex-a76": (("Pi 5", 2.4e9),),
}
"""Boards with each processor, and their clocks in hertz."""
DEBIAN = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "zlib1g", "linux-image-cloud-arm64")
MANYLINUX = ("2014", "_2_17", "_2_27", "_2_34")
PACKAGES = ("numpy==1.26.4", "tflite-runtime==2.14.0", "ai-edge-litert==2.3.0")
TIMEOUT_SECONDS = 1200
UNUSED = ("boot", "dev", "usr/lib/modules", "usr/share", "usr/lib/debug", "var")
"""Folders of Debian's that no benchmark reads; the kernel fills its own dev."""
MARK = "RESULT "
"""Begins a line of JSON on the guest's console."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Count:
    """Instructions for each second of audio."""

    processor: str
    name: str
    """The model's."""
    detail: str
    """Mode and steps a call."""
    runtime: str
    total: int
    front_end: int
    network: int
    decision: int
    first_look: int = 0
    """Instructions of the second stage's first look at a candidate, where there is one."""
    next_look: int = 0
    """Of each further look."""

    def core_percent(self, clock_hz: float) -> float:
        """Return the estimated share of one core."""
        return 100.0 * self.total * CYCLES_PER_INSTRUCTION / clock_hz

    def firing_ms(self, looks: int, clock_hz: float) -> float:
        """Return the estimated time of `looks` looks at one candidate."""
        instructions = self.first_look + (looks - 1) * self.next_look
        return 1e3 * instructions * CYCLES_PER_INSTRUCTION / clock_hz


def count_instructions(variants: Sequence[Variant], folder: Path) -> list[Count]:
    """Return the counts of each variant on each interpreter and processor.

    Raises BenchmarkError where the emulator or mmdebstrap is missing, or a guest fails.
    """
    for program in ("qemu-system-aarch64", "mmdebstrap", "cpio"):
        if not shutil.which(program):
            raise BenchmarkError(
                f"{program} is missing; install it with: apt install qemu-system-arm mmdebstrap"
                " cpio"
            )
    debian = _debian(folder / "arm64.tar")
    packages = _packages(folder / "arm64-packages")
    with tempfile.TemporaryDirectory(dir=folder, prefix="guest-") as name:
        kernel, initrd = Path(name, "kernel"), Path(name, "initrd")
        _extract_kernel(debian, kernel)
        write_initrd(initrd, debian, packages, variants)
        counts = []
        for processor in BOARDS:
            log.info("emulating %s", processor)
            counts += _run(processor, kernel, initrd, variants)
    return counts


def _debian(path: Path) -> Path:
    """Return a root file system for arm64, made if it is not there."""
    if not path.exists():
        log.info("fetching Debian for arm64")
        part = path.with_suffix(".part.tar")
        options = ("--variant=extract", "--architectures=arm64", f"--include={','.join(DEBIAN)}")
        _call("mmdebstrap", *options, "bookworm", str(part))
        part.rename(path)
    return path


def _packages(folder: Path) -> Path:
    """Return a folder of Python packages for arm64, made if it is not there."""
    if not folder.exists():
        log.info("fetching Python packages for arm64")
        pip = (sys.executable, *shlex.split("-m pip install --quiet --only-binary=:all:"))
        platforms = [f"--platform=manylinux{version}_aarch64" for version in MANYLINUX]
        part = folder.with_name(f"{folder.name}.part")
        _call(*pip, "--target", str(part), "--python-version=3.11", *platforms, *PACKAGES)
        part.rename(folder)
    return folder


def _call(*command: str, stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = last_line(done.stderr, "no reason given")
        raise BenchmarkError(f"{command[0]}: {reason}")


def _extract_kernel(debian: Path, kernel: Path) -> None:
    with tarfile.open(debian) as archive:
        for member in archive:
            if member.name.startswith("./boot/vmlinuz"):
                source = archive.extractfile(member)
                assert source is not None
                kernel.write_bytes(source.read())
                return
    raise BenchmarkError(f"{debian} has no kernel; remove it")


def write_initrd(path: Path, debian: Path, packages: Path, variants: Sequence[Variant]) -> None:
    """Write the RAM disk: Debian's files, Python packages, our own, and what is to be measured."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        root = Path(name)
        unused = (f"--exclude=./{folder}/*" for folder in UNUSED)
        _call("tar", "--extract", f"--file={debian}", f"--directory={root}", *unused)
        bench, without_bytecode = root / "bench", shutil.ignore_patterns("__pycache__")
        shutil.copytree(packages, bench / "packages", ignore=without_bytecode)
        ours = bench / "ours" / "firmware_py"
        shutil.copytree(ROOT / "firmware_py", ours, ignore=without_bytecode)
        (bench / "files").mkdir()
        for variant in variants:
            shutil.copy(variant.path, bench / "files")
        trials = [(variant.path.name, runtime) for variant in variants for runtime in RUNTIMES]
        (bench / "files" / "trials.json").write_text(json.dumps(trials), encoding="utf-8")
        init = root / "init"
        init.write_bytes(b"#!/usr/bin/python3\n" + (WORKLOADS / "guest.py").read_bytes())
        init.chmod(0o755)
        names = "".join(f"{file.relative_to(root)}\0" for file in sorted(root.rglob("*")))
        archive = shlex.split("cpio --create --format=newc --owner=0:0 --null --quiet")
        _call(*archive, f"--directory={root}", f"--file={path.resolve()}", stdin=names)


def _run(processor: str, kernel: Path, initrd: Path, variants: Sequence[Variant]) -> list[Count]:
    board = f"qemu-system-aarch64 -M virt -cpu {processor} -smp 1 -m 2048"
    counted = "-icount shift=0,sleep=off -nographic -nic none -no-reboot"
    system = ["-kernel", str(kernel), "-initrd", str(initrd)]
    parameters = ["-append", "console=ttyAMA0 loglevel=3 panic=-1"]
    command = [*shlex.split(board), *shlex.split(counted), *system, *parameters]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{processor}: no end after {TIMEOUT_SECONDS} s") from error
    answers = [
        json.loads(line.partition(MARK)[2]) for line in done.stdout.splitlines() if MARK in line
    ]
    if not answers:
        last = last_line(done.stdout, "no output")
        raise BenchmarkError(f"{processor}: nothing was measured; the last line: {last}")
    return list(_counts(processor, answers, variants))


def _counts(
    processor: str, answers: Sequence[dict[str, Any]], variants: Sequence[Variant]
) -> Iterator[Count]:
    by_file = {variant.path.name: variant for variant in variants}
    for answer in answers:
        variant = by_file[answer.pop("model")]
        if "status" in answer:
            log.warning(
                "%s: %s, %s on %s crashes there (status %d)",
                processor,
                variant.name,
                variant.detail,
                answer["runtime"],
                answer["status"],
            )
        else:
            yield Count(processor, variant.name, variant.detail, **answer)
