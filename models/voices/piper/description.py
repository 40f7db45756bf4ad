"""What the file beside a Piper network (NAME.onnx.json) says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_py.errors import AudioError
from firmware_py.reading.files import read_file, refused_as, shown

MOST_BYTES = 4_000_000
MOST_SPEAKERS = 20_000
SAMPLE_RATES_HZ = (8_000, 48_000)
SCALES = (0.0, 10.0)
FIRST, PAD, LAST = "^", "_", "$"
"""Symbols around a text, and between all others."""


@dataclass(frozen=True)
class Description:
    """A Piper voice of one speaker or of many."""

    network: Path
    sample_rate_hz: int
    accent: str
    """espeak-ng's name of the accent whose phones the network learnt."""
    numbers: Mapping[str, tuple[int, ...]]
    """Of each symbol."""
    speakers: tuple[int, ...]
    """Their numbers; none where there is one speaker only."""
    noise_scale: float
    """How much the sound varies."""
    length_scale: float
    noise_w: float
    """How much the rhythm varies."""

    @property
    def throats(self) -> tuple[str, ...]:
        """Names of its speakers: "en_US-joe-medium", "en_US-libritts_r-medium+17"."""
        name = self.network.stem
        return tuple(f"{name}+{number}" for number in self.speakers) or (name,)

    def speaker(self, throat: str) -> int:
        """Return the number of one of many speakers."""
        return int(throat.rpartition("+")[2])


def description_path(network: Path) -> Path:
    return network.with_name(f"{network.name}.json")


def read_description(network: Path, remedy: str) -> Description | None:
    """Return what is written beside a network; None for a voice of another language than English.

    Raises AudioError where there is nothing, and for what is not a Piper voice's, whose symbols are
    espeak-ng's phones; remedy: what to do then.
    """
    path = description_path(network)
    if not path.is_file():
        raise AudioError(f"{shown(path)} is missing, which describes a voice; {remedy}")
    content = read_file(path, "description of a Piper voice", MOST_BYTES, AudioError)
    with refused_as(AudioError, f"{shown(path)} describes no Piper voice; {remedy}"):
        told = json.loads(content)
        english = str(told["espeak"]["voice"]).startswith("en")
        return _description(network, told) if english else None


def _description(network: Path, told: Mapping[str, Any]) -> Description:
    kind = told.get("phoneme_type", "espeak")
    if str(kind).lower().removeprefix("phonemetype.") != "espeak":  # some name their class too
        raise ValueError(f"it reads {kind}, not espeak-ng's phones")
    scales = told["inference"]
    count = int(told.get("num_speakers", 1))
    speakers = sorted(told.get("speaker_id_map", {}).values()) or range(count)
    description = Description(
        network=network,
        sample_rate_hz=int(told["audio"]["sample_rate"]),
        accent=str(told["espeak"]["voice"]),
        numbers={
            symbol: tuple(map(int, numbers)) for symbol, numbers in told["phoneme_id_map"].items()
        },
        speakers=tuple(map(int, speakers)) if count > 1 else (),
        noise_scale=float(scales["noise_scale"]),
        length_scale=float(scales["length_scale"]),
        noise_w=float(scales["noise_w"]),
    )
    _check(description, count)
    return description


def _check(told: Description, count: int) -> None:
    """Raise ValueError for what no Piper voice has."""
    if not re.fullmatch(r"[\w+-]+", told.accent):
        raise ValueError(f"no language of espeak-ng is called {told.accent[:40]!r}")
    least, most = SAMPLE_RATES_HZ
    if not least <= told.sample_rate_hz <= most:
        raise ValueError(f"its sample rate is {told.sample_rate_hz} Hz, not {least} to {most}")
    if not 1 <= count <= MOST_SPEAKERS or not all(0 <= n < count for n in told.speakers):
        raise ValueError(f"it has {count} speakers, or a number that none of them has")
    least_scale, most_scale = SCALES
    for scale in (told.noise_scale, told.length_scale, told.noise_w):
        if not least_scale <= scale <= most_scale:
            raise ValueError(f"a scale is {scale}, not {least_scale} to {most_scale}")
    for symbol in (FIRST, PAD, LAST, " "):
        if not told.numbers.get(symbol):
            raise ValueError(f"it gives no number to {symbol!r}")
