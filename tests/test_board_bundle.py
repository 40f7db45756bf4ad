"""The offline bundle: read back by apt itself, and fetched from the real archive."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from board_bundles import make_bundle, make_package, needs_dpkg

from board.__main__ import main
from board.bundle import Bundle, read_bundle
from board.bundle.debian_package import control_fields, sha256_of
from board.errors import BoardError

pytestmark = [needs_dpkg, pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt")]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    library = make_package(tmp_path, "1:2.0~rc1", "all", name="library")
    package = make_package(tmp_path, "0.1.0", depends="library (>= 1:2)")
    return make_bundle(tmp_path / "bundle", package, "trixie", library)


def test_apt_takes_the_index_and_the_packages(tmp_path: Path, bundle: Bundle) -> None:
    """An apt of its own, for arm64, with the bundle as its only source."""
    root = tmp_path / "apt"
    for part in ("lists/partial", "archives/partial", "etc"):
        (root / part).mkdir(parents=True)
    (root / "status").touch()
    (root / "sources.list").write_text(f"deb [trusted=yes] file:{bundle.folder}/packages ./\n")
    options = {
        "Dir::State": root,
        "Dir::State::lists": root / "lists",
        "Dir::State::status": root / "status",
        "Dir::Cache": root,
        "Dir::Etc": root / "etc",
        "Dir::Etc::sourcelist": root / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",
    }
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    env = {**os.environ, "LC_ALL": "C"}
    subprocess.run(["apt-get", *flags, "update"], check=True, capture_output=True, env=env)
    plan = subprocess.run(
        ["apt-get", *flags, "--simulate", "install", "trigger-word=0.1.0"],
        check=True,
        capture_output=True,
        text=True,
        env=env,
    ).stdout
    assert "Inst library (1:2.0~rc1" in plan
    assert "Inst trigger-word (0.1.0" in plan


def test_manifest_names_each_file_with_origin_and_digest(bundle: Bundle) -> None:
    listed = {each.path: each for each in bundle.manifest.files}
    present = {f"packages/{path.name}" for path in (bundle.folder / "packages").glob("*.deb")}
    assert set(listed) == present
    for path, each in listed.items():
        said = subprocess.run(
            ["sha256sum", bundle.folder / path], capture_output=True, text=True, check=True
        )
        assert said.stdout.split()[0] == each.sha256
    assert listed["packages/trigger-word_0.1.0_arm64.deb"].origin == "this project"
    assert bundle.package.name == "trigger-word_0.1.0_arm64.deb"


def test_altered_missing_and_no_bundle(tmp_path: Path, bundle: Bundle) -> None:
    with pytest.raises(BoardError, match=r"not a bundle: it has no MANIFEST\.json; make it again"):
        read_bundle(tmp_path / "packages")
    bundle.package.write_bytes(bundle.package.read_bytes()[:-1])
    with pytest.raises(BoardError, match=r"is not what MANIFEST\.json says; make it again"):
        read_bundle(bundle.folder)
    bundle.package.unlink()
    with pytest.raises(BoardError, match="lacks packages/trigger-word"):
        read_bundle(bundle.folder)


def test_control_fields_are_those_of_dpkg(bundle: Bundle) -> None:
    fields = control_fields(bundle.package)
    for name, value in fields.items():
        said = subprocess.run(
            ["dpkg-deb", "--field", bundle.package, name], capture_output=True, text=True
        )
        assert said.stdout.rstrip("\n").partition("\n")[0] == value.partition("\n")[0]


def test_other_folders_are_not_overwritten(
    tmp_path: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "out" / "trixie"
    photos.mkdir(parents=True)
    (photos / "photo.jpg").touch()
    command = ["bundle", "--out", str(tmp_path / "out"), "--release", "trixie"]
    assert main([*command, "--package", str(bundle.package)]) == 2
    assert "holds something that is not a bundle; name a new folder" in capsys.readouterr().err
    assert (photos / "photo.jpg").exists()


@pytest.mark.parametrize("name", ["../own.deb", "/dev/zero", "packages/a/../../b.deb", "x" * 5000])
def test_a_manifest_names_packages_only(bundle: Bundle, name: str) -> None:
    path = bundle.folder / "MANIFEST.json"
    said = json.loads(path.read_text())
    said["files"][0]["path"] = name
    path.write_text(json.dumps(said))
    with pytest.raises(BoardError, match="is no package's file; make it again"):
        read_bundle(bundle.folder)
    path.write_text(json.dumps({**said, "files": []}))
    with pytest.raises(BoardError, match="names no package of this project"):
        read_bundle(bundle.folder)


@pytest.mark.slow
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_real_archive_is_fetched_and_complete(
    tmp_path: Path, release: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """apt checks signatures and hashes; twice gives the same packages."""
    package = make_package(tmp_path, "0.1.0", depends="python3 (>= 3.11), python3-pyaudio")
    out = tmp_path / "out"
    command = ["bundle", "--out", str(out), "--release", release, "--package", str(package)]
    if main([*command, "--json"]) == 2:
        pytest.skip(f"the archive cannot be reached: {capsys.readouterr().err}")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = {row["package"] for row in rows}
    assert {"trigger-word", "python3-pyaudio", "libportaudio2", "python3"} <= names
    assert not names & {"libc6", "dpkg", "systemd"}, "what every system has stays there"
    for row in rows[1:]:
        assert row["origin"].startswith("http://deb.debian.org/debian")
        assert sha256_of(out / release / row["path"]) == row["sha256"]
    first = (out / release / "MANIFEST.json").read_bytes()
    assert main(command) == 0
    assert (out / release / "MANIFEST.json").read_bytes() == first
