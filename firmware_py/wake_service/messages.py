"""Reading a peer's messages: every size is bounded before anything is read or kept.

The library's own reader takes what is announced, and gigabytes were.
"""

import asyncio
import json
from typing import Any

from wyoming.event import Event

HEADER_BYTES = 1 << 14
DATA_BYTES = 1 << 16
PAYLOAD_BYTES = 1 << 20
"""A chunk of audio: a second in the widest format, a hundred times what clients send."""
MESSAGE_SECONDS = 20.0
"""From the first byte of a message to its last."""


class MessageError(ValueError):
    """A peer sent what is no message."""

    def __init__(self, kind: str, sent: object = None) -> None:
        """
        kind: what is wrong, without a part of what was sent.
        sent: the offending part.
        """
        super().__init__(kind)
        self.sent = sent


async def read_message(reader: asyncio.StreamReader, idle_seconds: float) -> Event | None:
    """Return the next message, or None at the end of the stream.

    Raises MessageError, and TimeoutError when nothing begins within `idle_seconds`.
    """
    async with asyncio.timeout(idle_seconds):
        first = await reader.read(1)
    if not first:
        return None
    try:
        async with asyncio.timeout(MESSAGE_SECONDS):
            return await _rest(reader, first)
    except TimeoutError:
        raise MessageError("a message that does not end") from None
    except asyncio.IncompleteReadError:
        raise MessageError("a message that is cut short") from None


async def _rest(reader: asyncio.StreamReader, first: bytes) -> Event:
    try:
        line = first if first == b"\n" else first + await reader.readline()
    except ValueError:
        raise MessageError("a header that is too long") from None
    if not line.endswith(b"\n"):
        raise MessageError("a message that is cut short")
    header = _table(line)
    data = _field(header, "data", dict, {})
    if data_bytes := _length(header, "data_length", DATA_BYTES):
        data = {**data, **_table(await reader.readexactly(data_bytes))}
    payload = None
    if payload_bytes := _length(header, "payload_length", PAYLOAD_BYTES):
        payload = await reader.readexactly(payload_bytes)
    return Event(_field(header, "type", str, None), data, payload)


def _table(text: bytes) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageError("no JSON", text[:40]) from None
    if not isinstance(table, dict):
        raise MessageError("JSON that is not an object", text[:40])
    return table


def _field(header: dict[str, Any], name: str, cls: type, default: object) -> Any:
    value = header.get(name)
    value = default if value is None else value
    if not isinstance(value, cls):
        raise MessageError(f"a wrong {name} in the header", value)
    return value


def _length(header: dict[str, Any], name: str, most: int) -> int:
    value = header.get(name) or 0
    if type(value) is not int or not 0 <= value <= most:
        raise MessageError(f"a wrong {name}", value)
    return value
