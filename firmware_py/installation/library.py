"""The models at hand, by name: built in, installed, put in a folder, or fetched from a URL."""

import difflib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urlsplit

from firmware_py.artefact import DEFAULT_MODEL, Artefact, parse_artefact, read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.installation.default_model import read_default_model
from firmware_py.installation.slot import Slot
from firmware_py.reading.files import refused_as, shown
from firmware_py.reading.model_file import MOST_BYTES

if TYPE_CHECKING:
    from http.client import HTTPResponse

SUFFIX = ".tflite"
FETCH_SECONDS = 30.0
"""Without anything from the server."""
MOST_FETCH_SECONDS = 300.0
"""Of the whole, so that a server that drips holds nobody for ever."""
CHECKOUT = Path(__file__).parent.parent.parent / "models" / "trained"
"""Where the trained models lie, one folder each, when the project runs from its own checkout."""


def open_model(name: Path | str | None, slot: Slot | None = None) -> Artefact:
    """Return a model by its path, its name or its URL; None: the installed one, or the built-in.

    Raises ArtefactError for one that is not there (with the nearest name) or cannot be used.
    """
    if name is None:
        return read_default_model(slot or Slot(), read_artefact)
    return read_artefact(find_model(name))


def find_model(name: Path | str) -> Path:
    """Return the file of a model that is named by its path, its name or its URL."""
    text = str(name)
    if re.match(r"https?:/", text):
        return _fetched(re.sub(r"^(https?:)/+", r"\1//", text))  # a Path has lost a slash
    if text.endswith(SUFFIX) or os.sep in text or Path(text).is_file():
        return Path(name)
    known = {file.stem: file for file in reversed(list(model_files()))}
    if text in known:
        return known[text]
    near = difflib.get_close_matches(text, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ArtefactError(
        f"there is no model {shown(text)!r}; {hint}`trigger-word models` lists those at hand"
    )


def model_files() -> Iterator[Path]:
    """Yield the files of all models at hand; of two with one name the first counts."""
    for folder in (Slot().folder, user_folder()):
        if folder and folder.is_dir():
            files = folder.glob(f"*{SUFFIX}")
            yield from sorted(file for file in files if ".previous." not in file.name)
    yield DEFAULT_MODEL
    if CHECKOUT.is_dir():
        yield from sorted(
            file
            for file in CHECKOUT.glob(f"*/*{SUFFIX}")
            if (file.stem, file.parent.name) != (DEFAULT_MODEL.stem,) * 2
        )


def user_folder() -> Path | None:
    """Return where a person's models lie; None for a service that has no home."""
    try:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    except RuntimeError:
        return None
    return Path(data) / "trigger-word" / "models"


def _fetched(address: str) -> Path:
    """Return the model of a URL that ends in #sha256=DIGEST, from the disk if it is there."""
    from hashlib import sha256  # brings OpenSSL along: only for this

    url, fragment = urldefrag(address)
    digest = fragment.removeprefix("sha256=").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ArtefactError(
            f"{shown(url)}: append the digest that the model must have: {shown(url)}#sha256=..."
        )
    name = Path(urlsplit(url).path).name
    folder = user_folder()
    if not re.fullmatch(rf"\w[\w.-]*{re.escape(SUFFIX)}", name) or folder is None:
        raise ArtefactError(f"{shown(url)}: the URL must name a file such as word{SUFFIX}")
    path = folder / name
    if path.is_file() and sha256(path.read_bytes()).hexdigest() == digest:
        return path
    content = _download(url)
    found = sha256(content).hexdigest()
    if found != digest:
        raise ArtefactError(
            f"{shown(url)}: its digest is {found}, not the one that was asked for; do not use it"
        )
    parse_artefact(content, path)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)
    return path


def _download(url: str) -> bytes:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    with refused_as(ArtefactError, f"{shown(url)}: cannot fetch the model"):
        try:
            with urlopen(url, timeout=FETCH_SECONDS) as answer:
                if urlsplit(answer.url).scheme not in ("http", "https"):
                    raise ArtefactError(f"{shown(url)}: it leads to {shown(answer.url)}")
                return _read_soon(answer)
        except HTTPError as error:
            error.close()
            raise


def _read_soon(answer: "HTTPResponse") -> bytes:
    """Return what a server sends, or one byte more than a model may have."""
    give_up = time.monotonic() + MOST_FETCH_SECONDS
    content = bytearray()
    while len(content) <= MOST_BYTES and (piece := answer.read1(MOST_BYTES)):
        content += piece
        if time.monotonic() > give_up:
            raise TimeoutError(f"it is not here after {MOST_FETCH_SECONDS:g} s")
    return bytes(content)
