"""A bounded reader of flatbuffers: every offset is proved to lie inside before it is followed.

The format is that of https://flatbuffers.dev/internals: a table holds the distance back to its
vtable, which holds where each field is; a vector is its length and its elements. Offsets point
forward, so nothing is nested in itself; what is shared counts each time it is read.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from firmware_py.errors import ArtefactError

MOST_TABLES = 50_000
"""Tables that are read at most; the largest model of ours has 9,000."""
MOST_ELEMENTS = 1_000_000
"""Elements of vectors and bytes of texts that are read at most, bytes of weights not counted."""

Row = dict[str, Any]
"""A table's fields by name; what the file leaves out has its default."""

_UINT16, _INT32, _UINT32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")
_SCALARS = {kind: struct.Struct(f"<{kind}") for kind in "?bBiIqQf"}


@dataclass(frozen=True)
class Field:
    """A field of a table.

    kind: a scalar as `struct` names it; "[i]" and the like: a vector of such; "bytes": a vector
    that is not copied; "text"; "table"; "tables": a vector of tables; "union": a table whose
    layout the field before, its type, chooses.
    """

    name: str
    kind: str
    of: "TableLayout | None" = None
    choices: Mapping[int, "TableLayout"] = field(default_factory=dict)
    default: Any = 0


@dataclass(frozen=True)
class TableLayout:
    """The fields of a table in the order of its schema; None: one that must not be there."""

    name: str
    fields: Sequence[Field | None]

    @cached_property
    def defaults(self) -> Row:
        """What a table without any field says."""
        present = [each for each in self.fields if each]
        empty: Row = {"text": "", "table": None, "union": None}
        return {
            each.name: each.default if len(each.kind) == 1 else empty.get(each.kind, ())
            for each in present
        }


class Reader:
    """Reads the tables of one flatbuffer; raises ArtefactError where it leads outside."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._view = memoryview(content)
        self._tables = 0
        self._elements = 0
        self._plans: dict[tuple[int, str], tuple[int, list[tuple[Field, int]]]] = {}

    def root(self, layout: TableLayout) -> Row:
        """Return the root table."""
        return self._table(self._offset(0), layout)

    def _table(self, position: int, layout: TableLayout) -> Row:
        self._tables += 1
        if self._tables > MOST_TABLES:
            self._fail(f"more than {MOST_TABLES:,} tables")
        self._within(position, 4, 4)
        vtable = position - int(_INT32.unpack_from(self._content, position)[0])
        plan = self._plans.get((vtable, layout.name))
        if plan is None:
            plan = self._plans[vtable, layout.name] = self._plan(vtable, layout)
        size, fields = plan
        self._within(position, size, 4)
        row = layout.defaults.copy()
        for each, offset in fields:
            row[each.name] = self._value(each, position + offset, row)
        return row

    def _plan(self, vtable: int, layout: TableLayout) -> tuple[int, list[tuple[Field, int]]]:
        """Return the size of a table with this vtable and where its fields are in it."""
        self._within(vtable, 4, 2)
        length, size = struct.unpack_from("<HH", self._content, vtable)
        if length < 4 or length % 2 or size < 4:
            self._fail(f"a {layout.name} of no size")
        self._within(vtable, length, 2)
        offsets = struct.unpack_from(f"<{length // 2 - 2}H", self._content, vtable + 4)
        fields = []
        for index, offset in enumerate(offsets):
            if not offset:
                continue
            each = layout.fields[index] if index < len(layout.fields) else None
            if each is None:
                self._fail(f"field {index} of a {layout.name}, which our converter never writes")
            scalar = _SCALARS.get(each.kind, _UINT32)
            if not 4 <= offset <= size - scalar.size:
                self._fail(f"{each.name} outside of its {layout.name}")
            fields.append((each, offset))
        return size, fields

    def _value(self, each: Field, position: int, row: Row) -> Any:
        scalar = _SCALARS.get(each.kind)
        if scalar:
            self._within(position, scalar.size, scalar.size)
            return scalar.unpack_from(self._content, position)[0]
        target = self._offset(position)
        if each.kind == "table":
            assert each.of is not None
            return self._table(target, each.of)
        if each.kind == "union":
            return self._union(each, target, row)
        return self._vector(each, target)

    def _union(self, each: Field, target: int, row: Row) -> Row:
        chosen = row[f"{each.name}_type"]
        if chosen not in each.choices:
            self._fail(f"{each.name} of the unknown type {chosen}")
        return self._table(target, each.choices[chosen])

    def _vector(self, each: Field, target: int) -> Any:
        self._within(target, 4, 4)
        length = int(_UINT32.unpack_from(self._content, target)[0])
        start = target + 4
        if each.kind == "bytes":
            self._within(start, length, 1)
            return self._view[start : start + length]
        if each.kind == "text":
            return self._text(start, length)
        self._count(length)
        kind = "I" if each.kind == "tables" else each.kind[1]
        size = _SCALARS[kind].size
        self._within(start, length * size, size)
        if each.kind != "tables":
            return struct.unpack_from(f"<{length}{kind}", self._content, start)
        assert each.of is not None
        starts = range(start, start + 4 * length, 4)
        return [self._table(self._offset(position), each.of) for position in starts]

    def _text(self, start: int, length: int) -> str:
        self._count(length)
        self._within(start, length + 1, 1)
        if self._content[start + length]:
            self._fail("a text without its end")
        try:
            return str(self._view[start : start + length], "utf-8")
        except UnicodeDecodeError:
            self._fail("a text that is not UTF-8")

    def _count(self, length: int) -> None:
        self._elements += length
        if self._elements > MOST_ELEMENTS:
            self._fail(f"more than {MOST_ELEMENTS:,} elements")

    def _offset(self, position: int) -> int:
        """Return where the offset at `position` points to."""
        self._within(position, 4, 4)
        return position + int(_UINT32.unpack_from(self._content, position)[0])

    def _within(self, position: int, length: int, alignment: int) -> None:
        if not 0 <= position <= len(self._content) - length:
            self._fail(f"{length:,} bytes at {position:,}, outside of the {len(self._content):,}")
        if position % alignment:
            self._fail(f"an entry at {position:,}, which is not a multiple of {alignment}")

    def _fail(self, fault: str) -> NoReturn:
        raise ArtefactError(f"the network is damaged: it has {fault}")
