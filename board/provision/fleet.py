"""Many devices at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from board.bundle import Release
from board.device import Kit
from board.errors import BoardError
from board.provision.outcome import ProvisionOutcome
from board.provision.provisioning import KitFor, Options, provision
from board.provision.remote import Target


def read_hosts(path: Path) -> list[Target]:
    """Return the devices in a file: `user@host [SETTINGS.toml]` a line, # for remarks.

    Raises BoardError with the number of a line that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BoardError(f"{path}: cannot read the hosts: {error.strerror}") from error
    targets = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if len(words) > 2:
            raise BoardError(f"{path}, line {number}: {line!r}; write user@host [SETTINGS.toml]")
        if words:
            settings = path.parent / words[1] if len(words) == 2 else None
            targets.append(Target(words[0], settings=settings))
    if not targets:
        raise BoardError(f"{path} names no host; write user@host, one a line")
    return targets


def once_a_release(kit_for: KitFor) -> KitFor:
    """Return `kit_for`, called once for each release and settings and by one thread at a time."""
    lock = Lock()
    kits: dict[tuple[Release, Path | None], Kit] = {}

    def kit(release: Release, settings: Path | None) -> Kit:
        with lock:
            if (release, settings) not in kits:
                kits[release, settings] = kit_for(release, settings)
            return kits[release, settings]

    return kit


def provision_all(
    targets: Sequence[Target], kit_for: KitFor, options: Options, at_once: int
) -> Iterator[ProvisionOutcome]:
    """Yield the outcomes in the order of the targets."""
    shared = once_a_release(kit_for)
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        yield from pool.map(lambda target: provision(target, shared, options), targets)
