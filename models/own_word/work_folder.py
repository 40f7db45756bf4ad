"""The folder that a result is made in: of one run at a time, and of one request."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from firmware_py.errors import SettingsError
from models.replacing import replacing
from models.training.run_folder import refuse_other_runs

WORK = "work"
"""The folder, in the result's, of all that is only needed on the way."""
REQUEST = "request.json"
LOCK = "lock"


@contextmanager
def at_work(out: Path, asked: Mapping[str, object]) -> Iterator[Path]:
    """Keep the work folder of the result `out` for this run alone, and give it.

    asked: what the result depends on, JSON-ready but for paths; it is kept in the folder.
    Raises SettingsError when another run is at work there, or one was begun that asked for
    something else.
    """
    work = out / WORK
    work.mkdir(parents=True, exist_ok=True)
    with (work / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with the process
        except BlockingIOError as error:
            raise SettingsError(
                f"{out}: another run is at work there; wait, or choose another --out"
            ) from error
        _begin(out, json.loads(json.dumps(asked, default=str)))
        yield work


def _begin(out: Path, asked: dict[str, object]) -> None:
    path = out / WORK / REQUEST
    if not path.exists():
        refuse_other_runs(out)
    elif json.loads(path.read_text(encoding="utf-8")) != asked:
        raise SettingsError(
            f"{out}: was begun with other options (see {path}); repeat those,"
            f" choose another --out, or delete {path.parent}"
        )
    with replacing(path) as part:
        part.write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
