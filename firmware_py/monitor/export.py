"""The judged clips as a ZIP that the workstation learns from.

positives/LABEL/CLIP.wav   it was the word
negatives/LABEL/CLIP.wav   it was not
manifest.json              what the device knew of each
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from firmware_py.monitor.journal import JournalLine

FOLDERS = {"right": "positives", "wrong": "negatives"}
MANIFEST = "manifest.json"


class _Piecewise(io.RawIOBase):
    """Holds what was written since it was last taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def export(lines: Iterable[JournalLine]) -> Iterator[bytes]:
    """Yield the ZIP in pieces, a clip at a time; clips that go meanwhile are left out."""
    buffer = _Piecewise()
    manifest = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for line in lines:
            if not line.clip or line.entry.verdict not in FOLDERS:
                continue
            name = f"{FOLDERS[line.entry.verdict]}/{line.clip.parent.name}/{line.clip.name}"
            try:
                content = line.clip.read_bytes()
            except FileNotFoundError:
                continue
            archive.writestr(name, content)
            manifest.append({"file": name, **asdict(line.entry)})
            yield buffer.take()
        archive.writestr(MANIFEST, json.dumps({"clips": manifest}, indent=1, ensure_ascii=False))
    yield buffer.take()
