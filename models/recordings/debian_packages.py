"""Recordings that Debian packages hold: where they are, and how to take them out."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

from firmware_py.errors import AudioError, MissingToolError
from firmware_py.reading.lines import last_line

SAMPLE_RATE_HZ = 16_000
SHORTEST_SECONDS = 0.1
QUIET = 0.01
"""Of a recording's peak: what lies below it at both ends is cut off."""
MARGIN_SECONDS = 0.05


@dataclass(frozen=True)
class Collection:
    """Recordings of one kind."""

    name: str
    packages: tuple[str, ...]
    pattern: str
    """Regular expression that the path inside the package must match; its group is the folder
    that the recording goes to, such as a language."""
    contents: str
    licence: str


COLLECTIONS = (
    Collection(
        "prompts",
        tuple(
            f"asterisk-core-sounds-{language}-g722" for language in ("en", "es", "fr", "it", "ru")
        ),
        r"sounds/([a-z]{2})_.*\.g722$",
        "telephone prompts, one speaker a language",
        "CC BY-SA 3.0 (en Allison Smith, fr June Wallack, it Carlo Flora, es), CC BY 3.0 (ru)",
    ),
    Collection(
        "music",
        ("asterisk-moh-opsound-g722",),
        r"moh/()[^/]*\.g722$",
        "five pieces of music",
        "CC BY-SA 3.0 (Macroform, Manolo Camp, Reno Project)",
    ),
    Collection(
        "samples",
        ("sonic-pi-samples",),
        r"samples/()[^/]*\.flac$",
        "drums, loops, machines, doors and telephones, for backgrounds",
        "CC0 (Sonic Pi)",
    ),
    Collection(
        "stamps",
        ("tuxpaint-stamps-default",),
        r"_desc_([a-z]+)\.ogg$",
        "names of pictures, spoken in ten languages",
        "GPL-2 (Tux Paint): we test with them and train no model on them",
    ),
    Collection(
        "pieces",
        ("ktuberling-data",),
        r"sounds/([a-z@]+)/[^/]*\.(?:ogg|wav)$",
        "names of things, spoken in many languages",
        "GPL-2+ (KTuberling): we test with them and train no model on them",
    ),
)


def gather(collection: Collection, out: Path) -> int:
    """Download the collection's packages and write their recordings below out / its name.

    Returns how many. Raises MissingToolError without apt or ffmpeg, AudioError when a package
    cannot be had.
    """
    _require("ffmpeg")
    count = 0
    with tempfile.TemporaryDirectory() as directory:
        for package in tqdm(collection.packages, desc=collection.name, unit="package"):
            deb = download(package, Path(directory))
            count += take_out(deb, collection, out / collection.name)
            deb.unlink()
    return count


def take_out(deb: Path, collection: Collection, out: Path) -> int:
    """Write the recordings of one package file as FLAC [samples] at 16 kHz; return how many."""
    count = 0
    with unpacked(deb) as root:
        for file, folder in _matching(root, collection.pattern):
            samples = _trimmed(_decoded(file))
            if len(samples) < SHORTEST_SECONDS * SAMPLE_RATE_HZ:
                continue
            target = out / folder / f"{file.parent.name}-{file.stem}.flac"
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, samples, SAMPLE_RATE_HZ, subtype="PCM_16")
            count += 1
    return count


def _matching(root: Path, pattern: str) -> Iterator[tuple[Path, str]]:
    """Yield the files whose path matches, each with its folder."""
    for file in sorted(root.rglob("*")):
        match = re.search(pattern, file.relative_to(root).as_posix())
        if match and file.is_file():
            yield file, match[1]


@contextmanager
def unpacked(deb: Path) -> Iterator[Path]:
    """Give a folder with the files of a package, for a while; raises AudioError."""
    with tempfile.TemporaryDirectory() as directory:
        _output_of(["dpkg-deb", "-x", deb, directory], deb)
        yield Path(directory)


def download(package: str, folder: Path) -> Path:
    """Return the file of a package, put into `folder`; raises MissingToolError, AudioError."""
    _require("apt-get", "dpkg-deb")
    result = subprocess.run(
        ["apt-get", "download", package], cwd=folder, capture_output=True, text=True, check=False
    )
    found = list(folder.glob(f"{package}_*.deb"))
    if not found:
        reason = last_line(result.stderr, "no answer")
        raise AudioError(f"cannot download {package}: {reason}; try: sudo apt-get update")
    return found[0]


def _decoded(file: Path) -> NDArray[np.float32]:
    """Return the first channel of a recording at 16 kHz."""
    if file.suffix == ".g722":  # which libsndfile does not read
        output = f"-f f32le -ac 1 -ar {SAMPLE_RATE_HZ} -"
        command: Sequence[str | Path] = [
            *shlex.split("ffmpeg -v error -f g722 -i"),
            file,
            *shlex.split(output),
        ]
        return np.frombuffer(_output_of(command, file), "<f4")
    try:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{file.name}: {error.error_string}; download it again") from error
    resampled: NDArray[np.float32] = soxr.resample(samples[:, 0], rate_hz, SAMPLE_RATE_HZ)
    return resampled.astype(np.float32)


def _output_of(command: Sequence[str | Path], file: Path) -> bytes:
    """Return what a command that reads `file` prints; raises AudioError."""
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode:
        reason = last_line(result.stderr, "no reason")
        raise AudioError(f"{file.name}: {reason}; download it again")
    return result.stdout


def _trimmed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the recording without the silence at its ends; empty where nothing is heard."""
    levels = np.abs(samples)
    heard = np.flatnonzero(levels > QUIET * levels.max(initial=0.0))
    if not len(heard):
        return samples[:0]
    margin = int(MARGIN_SECONDS * SAMPLE_RATE_HZ)
    return samples[max(0, heard[0] - margin) : heard[-1] + margin]


def _require(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise MissingToolError(
            f"{', '.join(missing)} is missing; on Debian: sudo apt install apt dpkg ffmpeg"
        )
