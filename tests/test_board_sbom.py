"""Software bills of materials: every locked package, with its digest, and the same each time."""

import json
import re
from pathlib import Path

import pytest

from board.__main__ import main
from board.image.packages import LOCK, read_lock
from board.package.wheels import LOCKS

pytest.importorskip("cyclonedx_py")


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """Return the files of two runs, by name."""
    folders = [tmp_path_factory.mktemp("bills") for _ in range(2)]
    for folder in folders:
        assert main(["sbom", "--out", str(folder)]) == 0
    return [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]


def test_the_same_locks_give_the_same_bytes(bills: list[dict[str, bytes]]) -> None:
    assert bills[0] == bills[1]


def test_the_image_names_every_package_with_its_digest(bills: list[dict[str, bytes]]) -> None:
    bill = json.loads(bills[0]["trigger-word-image.cdx.json"])
    assert bill["bomFormat"] == "CycloneDX"
    found = {each["hashes"][0]["content"]: each["purl"] for each in bill["components"]}
    lock = read_lock(LOCK)
    assert sorted(found) == sorted(lock.values())
    assert found[lock["adduser_3.134_all.deb"]] == "pkg:deb/debian/adduser@3.134?arch=all"


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("python*.txt")), ids=lambda lock: lock.stem)
def test_each_python_names_every_pinned_package(bills: list[dict[str, bytes]], lock: Path) -> None:
    bill = json.loads(bills[0][f"trigger-word-{lock.stem}.cdx.json"])
    found = {(each["name"], each["version"]) for each in bill["components"]}
    assert found == set(re.findall(r"^([\w.-]+)==([^ ]+)", lock.read_text(), re.MULTILINE))
