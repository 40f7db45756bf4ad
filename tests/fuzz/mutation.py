"""Mutants of bytes: cut, doubled, flipped, and with numbers that are near, large or negative."""

import random

INTERESTING = (0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)
PIECES = (
    b"[" * 2000,
    b"{" * 50,
    b"9" * 400,
    b"\0",
    b"\x1b[2J",
    b"\n",
    b"NaN",
    b"1e999",
    b"-1",
    b'"',
)


def changed(content: bytes, rng: random.Random) -> bytes:
    """Return `content` with one to four changes."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(out) + 1)
        match rng.randrange(6):
            case 0:
                del out[place:]
            case 1:
                del out[place : place + rng.randrange(1, 40)]
            case 2:
                out[place:place] = rng.choice(PIECES)
            case 3:
                out[place:place] = out[place : place + rng.randrange(1, 200)]
            case 4:
                size = rng.choice((1, 2, 4))
                value = rng.choice(INTERESTING) % (1 << 8 * size)
                out[place : place + size] = value.to_bytes(size, "little")
            case _:
                if place < len(out):
                    out[place] ^= 1 << rng.randrange(8)
    return bytes(out)
