"""A stream that can only be read forwards, dressed as the file that libsndfile wants."""

import os
from typing import BinaryIO

KEPT_BYTES = 1 << 18
"""The last bytes stay at hand: decoders step back a little."""
OPENING_BYTES = 8 << 20
"""While a file is being opened, what lies further than this is not read for."""
ENDLESS = 1 << 40
"""The length that is told. A decoder that estimates its frames from it stops at none of them."""
MP3_TAG_BYTES = 128


class ForwardFile:
    """Bytes of a pipe, or of a file whose length must not be believed; memory is bounded.

    An exception in `read` would be lost in the library that calls it: it waits in `error`.
    """

    def __init__(self, stream: BinaryIO, head: bytes = b"") -> None:
        """head: bytes that have been taken from the stream already."""
        self._stream = stream
        self._kept = bytearray(head)
        self._start = 0
        self._at = 0
        self._is_opening = True
        self.error: BaseException | None = None

    def begin(self) -> None:
        """The header is read: from now on old bytes are forgotten."""
        self._is_opening = False

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: ENDLESS}[whence] + offset
        return self._at

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end of the stream."""
        if (size, self._at) == (MP3_TAG_BYTES, ENDLESS - MP3_TAG_BYTES):
            return bytes(size)  # libmpg123 looks for a tag there and takes no "nothing" for it
        known = 0 if self._is_opening else self._start + len(self._kept)
        if not self._start <= self._at <= known + OPENING_BYTES:
            return b""
        try:
            self._fill(self._at + size)
        except (Exception, KeyboardInterrupt) as error:
            self.error = error
            return b""
        first = self._at - self._start
        found = bytes(self._kept[first : first + size])
        self._at += len(found)
        return found

    def _fill(self, end: int) -> None:
        """Read until the byte before `end` is at hand."""
        while (missing := end - self._start - len(self._kept)) > 0:
            read = self._stream.read(missing)
            if not read:
                return
            self._kept += read
        surplus = min(self._at - self._start, len(self._kept)) - KEPT_BYTES
        if surplus > 0 and not self._is_opening:
            del self._kept[:surplus]
            self._start += surplus
