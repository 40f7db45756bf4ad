"""What the first bytes tell: a sound file or raw samples, and whether a header was finished."""

import struct
from dataclasses import dataclass

HEAD_BYTES = 1 << 16
"""As many bytes are looked at."""

MAGIC = (
    b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"fLaC", b"OggS", b"ID3", b".snd", b"caff",
    b"NIST_1A", b"#!AMR", b"\x1aE\xdf\xa3",
)  # fmt: skip
"""How files of WAV, AIFF, FLAC, Ogg, MP3, AU, CAF, NIST, AMR and Matroska begin."""

READABLE = frozenset(
    {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"}
)
"""Suffixes of files that are read from folders."""
UNREADABLE = frozenset(
    {".m4a", ".mp4", ".m4b", ".aac", ".wma", ".webm", ".amr", ".3gp", ".mka", ".ac3", ".ape"}
)
"""Suffixes of sound that is to be converted first."""

MP3_FRAMES = 3
"""So many in a row are no accident."""

UNKNOWN_SIZE = 0xFFFFFFFF
UNKNOWN_SIZES = 0x7FFF0000
"""WAV headers that were written before the end was known announce 0, or this many bytes or more."""

_TAGS = (b"ID3", b"TAG", b"APET", b"LIST")
"""What programs append behind a finished WAV."""

_KBIT = {
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def is_sound_file(head: bytes) -> bool:
    """Tell whether a stream that begins with `head` is a file of some format, not raw samples."""
    return head.startswith(MAGIC) or head[4:8] == b"ftyp" or _mp3_frames(head, 0)


def holds_mp3(data: bytes) -> bool:
    """Tell whether frames of MPEG layer III stand somewhere in `data`."""
    at = data.find(b"\xff")
    while at >= 0 and not _mp3_frames(data, at):
        at = data.find(b"\xff", at + 1)
    return at >= 0


def _mp3_frames(data: bytes, at: int) -> bool:
    """Tell whether frames of one kind follow each other from byte `at` on."""
    kind = data[at : at + 2]
    for _ in range(MP3_FRAMES):
        length = _mp3_frame_length(data[at : at + 4])
        if not length or data[at : at + 2] != kind:
            return False
        at += length
    return True


def _mp3_frame_length(header: bytes) -> int:
    """Return the bytes of the frame that this header begins, 0 if it is none (ISO 11172-3)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kbit, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer != 1 or kbit in (0, 15) or rate == 3:
        return 0
    kbits = _KBIT[3 if version == 3 else 2]
    samples_in_bytes = 144 if version == 3 else 72
    return samples_in_bytes * 1000 * kbits[kbit - 1] // _RATES_HZ[version][rate] + padding


@dataclass(frozen=True)
class WavHeader:
    """The sizes in the header of a WAV file, in bytes."""

    riff_size: int
    data_start: int
    """Where the samples begin."""
    data_size: int

    @property
    def end(self) -> int:
        """Where the file ends by its header."""
        return self.riff_size + 8

    def is_unfinished(self, behind: bytes) -> bool:
        """Tell whether the sizes were written before the end was known.

        behind: what stands at `end`; nothing where that cannot be looked up, as in a pipe.
        """
        if self.data_size == 0:
            return self.end <= self.data_start
        is_last = self.data_start + self.data_size + self.data_size % 2 == self.end
        return is_last and bool(behind) and not behind.startswith(_TAGS)


def wav_header(head: bytes) -> WavHeader | None:
    """Return the sizes in a WAV header, None for another file or one that `head` cuts off."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at = 12
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"data":
            (riff_size,) = struct.unpack_from("<I", head, 4)
            return WavHeader(riff_size, at + 8, size)
        at += 8 + size + size % 2
    return None


def unfinished(head: bytes, header: WavHeader) -> bytes:
    """Return `head` with sizes that say "unknown" in the place of those of `header`."""
    content = bytearray(head)
    struct.pack_into("<I", content, 4, UNKNOWN_SIZE)
    struct.pack_into("<I", content, header.data_start - 4, UNKNOWN_SIZE)
    return bytes(content)
