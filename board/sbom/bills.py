"""Write the bills: cyclonedx-bom reads the locks of Python, its library states those of Debian."""

import json
import re
import sys
import uuid
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from board.errors import BoardError
from board.image.packages import LOCK, read_lock
from board.package.wheels import LOCKS
from board.programs import run

_DEBIAN_FILE = re.compile(r"(?P<name>[^_]+)_(?P<version>[^_]+)_(?P<architecture>[^_]+)\.deb")


def write_bills(folder: Path) -> list[Path]:
    """Write a bill for each Python of the package and one for the image; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "trigger-word-image.cdx.json"
    image.write_text(image_bill(LOCK), encoding="utf-8")
    return [*(_write_python(lock, folder) for lock in sorted(LOCKS.glob("python*.txt"))), image]


def _write_python(lock: Path, folder: Path) -> Path:
    path = folder / f"trigger-word-{lock.stem}.cdx.json"
    options = ["--output-reproducible", "--output-format", "JSON", "--output-file", str(path)]
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(lock), *options]
    run(command, package="python3")
    return path


def image_bill(lock: Path) -> str:
    """Return the bill of the Debian packages that a lock pins, as CycloneDX JSON."""
    components = [_debian(name, digest) for name, digest in read_lock(lock).items()]
    bom = Bom(components=components, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, lock.read_text()))
    bom.metadata.component = Component(
        name="trigger-word-image", type=ComponentType.FIRMWARE, bom_ref="trigger-word-image"
    )
    bom.register_dependency(bom.metadata.component, components)
    bill = json.loads(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())
    # The time of writing is no fact about the image, and would make each bill another one.
    del bill["metadata"]["timestamp"]
    return json.dumps(bill, indent=2, sort_keys=True) + "\n"


def _debian(file: str, digest: str) -> Component:
    found = _DEBIAN_FILE.fullmatch(file)
    if not found:
        raise BoardError(f"{file}: this is not the name of a Debian package; make the lock again")
    name, architecture = found["name"], found["architecture"]
    version = found["version"].replace("%3a", ":")
    purl = PackageURL("deb", "debian", name, version, {"arch": architecture})
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
