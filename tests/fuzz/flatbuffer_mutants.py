"""Structure-aware mutants of a flatbuffer: what its tables say is changed, not its weights.

A reader that notes each place it looks at tells where offsets, lengths, options, shapes and codes
are. A mutant changes one to four of them to values that are near, large, negative or another's.
"""

import random
import struct

from firmware_py.flatbuffer_check.layouts import MODEL
from firmware_py.flatbuffer_check.reader import Reader

VALUES = (0, 1, 2, 3, 4, 5, 8, 127, 128, 255, 256, 1000, 65535, 65536, 2**24, 2**30, 2**31 - 1)
FLOATS = (0.0, -1.0, 1e-38, 1e-12, 1e-5, 1.0, 255.0, 1e9, 1e30, float("inf"), float("nan"))


class _NotingReader(Reader):
    """Notes every place that is looked at."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.places: list[tuple[int, int]] = []

    def _within(self, position: int, length: int, alignment: int) -> None:
        super()._within(position, length, alignment)
        if length <= 512:
            self.places.append((position, length))


def places(content: bytes) -> list[tuple[int, int]]:
    """Return (position, length) of every entry that the tables of a whole flatbuffer have."""
    reader = _NotingReader(content)
    reader.root(MODEL)
    return reader.places


def mutant(content: bytes, spots: list[tuple[int, int]], rng: random.Random) -> bytes:
    """Return `content` with a few entries changed; spots: from `places`."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        position, length = rng.choice(spots)
        size = rng.choice((1, 2, 4, 4, 4, 8))
        position += rng.randrange(0, max(1, length), min(size, 4))
        if position + size > len(changed):
            continue
        changed[position : position + size] = _entry(changed, position, size, spots, rng)
    return bytes(changed)


def _entry(
    content: bytearray,
    position: int,
    size: int,
    spots: list[tuple[int, int]],
    rng: random.Random,
) -> bytes:
    """Return `size` new bytes for `position`."""
    old = int.from_bytes(content[position : position + size], "little")
    kind = rng.randrange(6)
    if kind == 0:
        new = old + rng.choice((-4, -2, -1, 1, 2, 4))
    elif kind == 1:
        new = old ^ (1 << rng.randrange(8 * size))
    elif kind == 2:
        new = -rng.choice(VALUES)
    elif kind == 3 and size == 4:
        return struct.pack("<f", rng.choice(FLOATS))
    elif kind == 4:  # what another entry says
        other, _ = rng.choice(spots)
        new = int.from_bytes(content[other : other + size], "little")
    else:
        new = rng.choice(VALUES)
    return (new % (1 << 8 * size)).to_bytes(size, "little")
