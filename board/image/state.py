"""The card's third partition: all that a device may write to."""

import shlex
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from board.image.partitions import MEGABYTE, at, make_empty
from board.image.programs import run_tool
from board.image.site import Change

STATE_BYTES = 256 * MEGABYTE
STATE_ID = "74726967-6765-4277-8f72-642d73746174"
CHANGES = "changes"
"""Its `etc` and `var` lie over the system's; `init.sh` mounts them so."""

_TIMES = ("atime", "ctime", "mtime", "crtime")


def write_state(
    path: Path, changes: Sequence[Change], groups: Mapping[str, int], epoch: int
) -> None:
    """Write the partition as ext4. groups: the number of each group that a change names."""
    make_empty(path, STATE_BYTES)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("etc", "var"):
            (root / CHANGES / folder).mkdir(parents=True)
        for change in changes:
            _lay(root / CHANGES / change.path, change)
        extended = f"hash_seed={STATE_ID},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"
        options = shlex.split(f"-q -t ext4 -L state -U {STATE_ID} -m 0 -E {extended}")
        run_tool("mke2fs", *options, "-d", name, path, environment=at(epoch))
        files = [root, *sorted(root.rglob("*"))]
        commands = [line for file in files for line in _inode(root, file, epoch)]
    for change in changes:
        if not change.link_to:
            name = f"/{CHANGES}/{change.path}"
            commands.append(f'set_inode_field "{name}" mode 0{stat.S_IFREG | change.mode:o}')
            commands.append(f'set_inode_field "{name}" gid {groups[change.group]}')
    run_tool(
        "debugfs", "-w", "-f", "-", path, stdin="\n".join(commands).encode(), environment=at(epoch)
    )


def _lay(path: Path, change: Change) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if change.link_to:
        path.symlink_to(change.link_to)
    else:
        path.write_bytes(change.content)


def _inode(root: Path, file: Path, epoch: int) -> list[str]:
    """Return what makes a file root's and of one time: mke2fs copies ours."""
    name = f"/{file.relative_to(root)}" if file != root else "/"
    fields = {"uid": "0", "gid": "0"}
    for time in _TIMES:
        fields |= {time: f"@{epoch}", f"{time}_extra": "0"}
    if file.is_dir() and not file.is_symlink():
        fields["mode"] = f"0{stat.S_IFDIR | (0o755 if file != root else 0o700):o}"
    return [f'set_inode_field "{name}" {field} {value}' for field, value in fields.items()]
