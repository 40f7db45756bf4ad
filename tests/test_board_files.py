"""The list of all files on a device."""

import subprocess
import zipfile
from pathlib import Path

import pytest
from board_bundles import make_bundle, make_package, needs_dpkg

from board.files import device_files
from board.files.origins import SOURCE, Origins

pytestmark = needs_dpkg

PACKAGES = "opt/trigger-word/lib/python3.13/site-packages"


def test_every_file_has_an_origin_and_the_digest_that_sha256sum_says(tmp_path: Path) -> None:
    wheels = []
    for python in ("3.11", "3.13"):
        (tmp_path / python).mkdir()
        wheels.append(tmp_path / python / f"thing-1.0-{python}.whl")
        with zipfile.ZipFile(wheels[-1], "w") as archive:
            archive.writestr("thing/__init__.py", "value = 1\n")
    settings = (SOURCE / "firmware_py" / "errors.py").read_text()
    package = make_package(
        tmp_path,
        files={
            f"{PACKAGES}/thing/__init__.py": "value = 1\n",
            f"{PACKAGES}/firmware_py/errors.py": settings,
            f"{PACKAGES}/firmware_py/old.py": "old\n",
            "etc/trigger-word.toml": "# made\n",
            "usr/share/thing/__init__.py": "value = 1\n",
        },
    )
    library = make_package(
        tmp_path, "2.0", "all", name="library", files={"usr/lib/library": "code"}
    )
    bundle = make_bundle(tmp_path / "bundle", package, "trixie", library)
    rows = {row.path: row for row in device_files(bundle, Origins(wheels))}
    assert rows[f"/{PACKAGES}/thing/__init__.py"].origin.startswith("wheel thing-1.0-3.13.whl (")
    assert rows[f"/{PACKAGES}/firmware_py/errors.py"].origin == "own source firmware_py/errors.py"
    assert rows[f"/{PACKAGES}/firmware_py/old.py"].origin.startswith("own source, but of another")
    assert rows["/usr/lib/library"].origin.startswith("Debian package library 2.0 (http://")
    for made in ("/etc/trigger-word.toml", "/usr/share/thing/__init__.py"):
        assert rows[made].origin == "made by python -m board package"
    assert rows["/boot/firmware/trigger-word/first-boot.sh"].origin.startswith("own source board/")
    root = tmp_path / "root"
    for deb in (package, library):
        subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)
    unpacked = [path for path in root.rglob("*") if path.is_file()]
    assert {f"/{path.relative_to(root)}" for path in unpacked} == {
        path for path in rows if not path.startswith("/boot/")
    }
    for path in unpacked:
        said = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
        assert said.stdout.split()[0] == rows[f"/{path.relative_to(root)}"].sha256


def test_links_are_listed(tmp_path: Path) -> None:
    root = tmp_path / "trigger-word-0.1.0-root"
    (root / "usr/bin").mkdir(parents=True)
    package = make_package(tmp_path, files={"usr/bin/real": "x"})
    (root / "usr/bin/alias").symlink_to("real")
    subprocess.run(["dpkg-deb", "--build", root, package], check=True, capture_output=True)
    bundle = make_bundle(tmp_path / "bundle", package, "trixie")
    rows = {row.path: row for row in device_files(bundle, Origins([]))}
    assert (rows["/usr/bin/alias"].link_to, rows["/usr/bin/alias"].sha256) == ("real", "")


@pytest.mark.slow
def test_real_package_comes_from_wheels_and_this_source(tmp_path: Path) -> None:
    from board.bundle.own_package import own_package
    from board.errors import BoardError
    from board.files.origins import locked_wheels

    try:
        origins = Origins(locked_wheels(tmp_path))
        package = own_package(None)
    except BoardError as error:
        pytest.skip(f"the wheels cannot be fetched: {error}")
    bundle = make_bundle(tmp_path / "bundle", package, "trixie")
    rows = [row for row in device_files(bundle, origins) if not row.link_to]
    kinds = {row.origin.partition(" ")[0] for row in rows}
    assert kinds == {"wheel", "own", "made"}
    made = {row.path for row in rows if row.origin.startswith("made")}
    inside = {path for path in made if "/site-packages/" in path}
    assert all("/trigger_word-" in path for path in inside), "only our own wheel's description"
    assert len(made) < 30
