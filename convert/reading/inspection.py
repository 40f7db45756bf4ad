"""Look through an HDF5 file in a process of its own, before anything else opens it.

The HDF5 library is native code that a damaged file can end, and a file of a few hundred bytes can
ask for a terabyte or name another file on the disk. What is read here is read under limits, and
what ends this process ends nothing else.
"""

import math
import os
import resource
import subprocess
import sys
from pathlib import Path

import h5py

from firmware_py.errors import ArtefactError
from firmware_py.reading.lines import last_line

MAXIMUM_BYTES = 1 << 27
"""Of all datasets together; an optimiser keeps two values for each weight."""
MAXIMUM_OBJECTS = 4096
MAXIMUM_ATTRIBUTE_BYTES = 1 << 22
_MEMORY_BYTES = 2 << 30
_SECONDS = 60


def inspect_hdf5(path: Path) -> None:
    """Read the file at `path` once, all of it; raises ArtefactError."""
    command = [sys.executable, "-m", __name__, str(path)]
    # Each thread of a linear algebra library would reserve memory, which is limited.
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=env, timeout=2 * _SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ArtefactError(f"its weights are not read in {2 * _SECONDS} s") from None
    if done.returncode:
        said = done.stderr if done.returncode == 1 else ""
        reason = last_line(said, "HDF5 itself ends on it")
        raise ArtefactError(f"its weights cannot be read ({reason}); save it again")


class _Inspection:
    """Counts what the file holds while it reads it; raises ValueError past a limit."""

    def __init__(self) -> None:
        self._num_objects = 0
        self._num_bytes = 0

    def read(self, group: h5py.Group) -> None:
        self._count(group)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{group.name}/{name} is a link to another place")
            item = group[name]
            if isinstance(item, h5py.Group):
                self.read(item)
            elif isinstance(item, h5py.Dataset):
                self._count(item)
                self._read_dataset(item)
            else:
                raise ValueError(f"{item.name} is neither a group nor a dataset")

    def _read_dataset(self, dataset: h5py.Dataset) -> None:
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{dataset.name} keeps its values in another file")
        if dataset.dtype.kind not in "fiub":
            raise ValueError(f"{dataset.name} holds {dataset.dtype}, which are not numbers")
        self._num_bytes += int(dataset.size or 0) * dataset.dtype.itemsize
        if self._num_bytes > MAXIMUM_BYTES:
            raise ValueError(
                f"up to {dataset.name} {dataset.shape} it asks for {self._num_bytes:,} bytes;"
                f" {MAXIMUM_BYTES:,} are the most"
            )
        dataset[()]

    def _count(self, item: h5py.Group | h5py.Dataset) -> None:
        self._num_objects += 1
        if self._num_objects > MAXIMUM_OBJECTS:
            raise ValueError(f"it holds more than {MAXIMUM_OBJECTS} groups and datasets")
        for name in item.attrs:
            attribute = item.attrs.get_id(name)
            num_bytes = math.prod(attribute.shape or (0,)) * attribute.dtype.itemsize
            if num_bytes > MAXIMUM_ATTRIBUTE_BYTES:
                raise ValueError(f"the attribute {name!r} of {item.name} has {num_bytes:,} bytes")
            item.attrs[name]


def main() -> None:
    """Inspect one file; called by `inspect_hdf5` only."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with h5py.File(sys.argv[1]) as file:
            _Inspection().read(file)
    except Exception as error:  # whatever h5py raises, the file cannot be read
        sys.exit(" ".join(str(error).split()) or type(error).__name__)


if __name__ == "__main__":
    main()
