"""What a power cut may leave on a disk, computed from the system calls of a real process.

Names in one folder reach the disk in order, as journals keep them, but any number of the last ones
may be missing until the folder is synced. The content of a file may be cut anywhere until the file
is synced, whatever its names are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CALL = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>\d+)")
STRING = re.compile(r'"([^"]*)"')
DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")


@dataclass(frozen=True)
class Call:
    """One system call: what it did, to which files."""

    name: str
    """create, write, sync, link, rename, unlink."""
    paths: tuple[str, ...]
    size: int = 0


def read_calls(trace: str, folder: str) -> list[Call]:
    """Return the calls that changed `folder`, from the output of `strace -y`."""
    calls = []
    for line in trace.splitlines():
        match = CALL.match(line)
        if not match or folder not in line:
            continue
        name, arguments = match["name"].removesuffix("at"), match["arguments"]
        paths = tuple(STRING.findall(arguments))
        descriptor = DESCRIPTOR.match(arguments)
        if name == "open" and "O_CREAT" in arguments:
            calls.append(Call("create", paths))
        elif name in ("write", "fsync") and descriptor:
            done = "sync" if name == "fsync" else name
            calls.append(Call(done, (descriptor[1],), int(match["result"])))
        elif name in ("link", "rename", "unlink"):
            calls.append(Call(name, paths))
    return calls


@dataclass
class Inode:
    """A file: what was written, and how much of it is on the disk for sure."""

    content: bytes
    durable: int


def states(
    calls: Sequence[Call], before: dict[str, bytes], folder: str, new: bytes
) -> Iterator[tuple[bool, dict[str, bytes]]]:
    """Yield each possible content of the disk, by name, and whether all calls were done.

    before: the files at the start, all on the disk. new: what is written into a created file.
    """
    names = {path: Inode(content, len(content)) for path, content in before.items()}
    shown = [dict(names)]
    yield from _cuts(shown, False)
    for number, call in enumerate(calls, 1):
        _apply(call, names, new)
        shown = [dict(names)] if call == Call("sync", (folder,)) else [*shown, dict(names)]
        yield from _cuts(shown, number == len(calls))


def _apply(call: Call, names: dict[str, Inode], new: bytes) -> None:
    first = call.paths[0]
    match call.name:
        case "create":
            names[first] = Inode(b"", 0)
        case "write":
            written = len(names[first].content) + call.size
            names[first].content = new[:written]
        case "sync" if first in names:
            names[first].durable = len(names[first].content)
        case "link":
            names[call.paths[1]] = names[first]
        case "rename":
            names[call.paths[1]] = names.pop(first)
        case "unlink":
            del names[first]


def _cuts(shown: Sequence[dict[str, Inode]], done: bool) -> Iterator[tuple[bool, dict[str, bytes]]]:
    """Yield the folder as each of its last states may be found, with every kind of short file."""
    for names in shown:
        yield done, {path: inode.content for path, inode in names.items()}
        for path, inode in names.items():
            spread = range(inode.durable, len(inode.content), max(1, len(inode.content) // 7))
            for length in spread:
                yield (
                    done,
                    {p: i.content for p, i in names.items()} | {path: inode.content[:length]},
                )
