"""The Debian package: pinned, reproducible, and at work in arm64 userlands of Debian 12 and 13."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from arm_userland import Userland, unpack_userland
from packaging.requirements import Requirement

from board.package import deb
from board.package.build import DEBIAN, project_version, release_time
from board.package.lock import EXTRAS
from board.package.manual import manual_page
from board.package.tree import TEXTS, lay_system_files
from board.package.wheels import LOCKS, PYTHONS, unpack_wheel
from firmware_py.__main__ import COMMANDS
from firmware_py.artefact import DEFAULT_MODEL
from firmware_py.settings import Settings, read_settings

SOURCE = Path(__file__).parents[1]
BEEP = Path(__file__).parent / "data" / "beep.tflite"
RECORDING = DEFAULT_MODEL.with_suffix(".flac")
RELEASES = ("bookworm", "trixie")
needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is needed")


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_that_the_device_needs_is_locked(python: str) -> None:
    text = (LOCKS / f"python{python}.txt").read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line.strip()]
    assert all(re.match(r"[\w.-]+==[\w.]+ +--hash=sha256:[0-9a-f]{64}", line) for line in lines)
    pinned = {line.partition("==")[0]: line.partition("==")[2].split()[0] for line in lines}
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    wanted += [each for extra in EXTRAS for each in project["optional-dependencies"][extra]]
    for requirement in map(Requirement, wanted):
        if not requirement.marker or requirement.marker.evaluate({"python_version": python}):
            assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_the_packaged_settings_are_the_defaults(tmp_path: Path) -> None:
    lay_system_files(tmp_path)
    settings = tmp_path / "etc" / "trigger-word.toml"
    assert read_settings(settings) == Settings()
    assert '#folder = "/var/lib/trigger-word/clips"' in settings.read_text()


def test_the_changelog_tells_this_version() -> None:
    assert f"trigger-word ({project_version()})" in (TEXTS / "changelog").read_text()
    assert release_time().utcoffset() is not None


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_parse(script: str) -> None:
    subprocess.run(["sh", "-n", DEBIAN / script], check=True)


def test_the_manual_page_tells_every_command(tmp_path: Path) -> None:
    text = manual_page("1.2", "2025-11-21")
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2].replace("_", "\\-")
        assert f".SS {name}\n" in text
    if not shutil.which("man"):
        pytest.skip("man is missing")
    page = tmp_path / "trigger-word.1"
    page.write_text(text)
    environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["man", "--warnings", "-l", page],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "--rollback" in done.stdout


@needs_dpkg
def test_the_same_files_give_the_same_package(tmp_path: Path) -> None:
    digests = set()
    for number, mask in enumerate((0o022, 0o077)):
        before = os.umask(mask)
        root = tmp_path / str(number)
        lay_system_files(root)
        (root / "DEBIAN").mkdir()
        text = (DEBIAN / "control").read_text()
        (root / "DEBIAN/control").write_text(
            text.format(version="1", maintainer="x <x@y.invalid>", installed_size=1)
        )
        deb.write_checksums(root)
        path = tmp_path / f"{number}.deb"
        deb.pack(root, path, 1763683200)
        os.umask(before)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    listing = subprocess.run(["dpkg-deb", "-c", path], capture_output=True, text=True, check=True)
    modes = {line.split()[5]: line.split()[:2] for line in listing.stdout.splitlines()}
    assert modes["./etc/trigger-word.toml"] == ["-rw-r-----", "root/root"]
    assert modes["./etc/trigger-word.d/"] == ["drwxr-s---", "root/root"]
    assert modes["./usr/bin/trigger-word"] == ["-rwxr-xr-x", "root/root"]


def test_of_a_wheel_only_modules_are_unpacked(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    names = [
        "x/__init__.py",
        "x/tests/test_x.py",
        "x/__pycache__/a.pyc",
        "x-1.dist-info/RECORD",
        "x-1.dist-info/METADATA",
        "x-1.data/scripts/run",
        "x-1.data/purelib/y.py",
    ]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    unpack_wheel(wheel, tmp_path / "out")
    found = {
        str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert found == {"x/__init__.py", "x-1.dist-info/METADATA", "y.py"}


# The whole package


def build_package(out: Path, **environment: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "board", "package", "--out", out, "--json"],
        cwd=SOURCE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "hash" not in done.stderr.lower():
        pytest.skip(f"the wheels cannot be fetched: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    path = Path(facts["file"])
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    return path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package as a later version, packed in a hurry."""
    folder = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "-R", package, folder / "root"], check=True)
    control = folder / "root" / "DEBIAN" / "control"
    control.write_text(re.sub("^Version: .*", "Version: 9.0", control.read_text(), flags=re.M))
    path = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "-b", folder / "root", path], check=True)
    return path


@pytest.mark.slow
@pytest.mark.timeout(1800)
@needs_dpkg
def test_built_twice(package: Path, tmp_path: Path) -> None:
    again = build_package(tmp_path, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")
    assert again.name == package.name
    assert again.read_bytes() == package.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is needed")
def test_lintian_finds_no_error(package: Path) -> None:
    command = ["lintian", "--allow-root", "--fail-on", "error", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module", params=RELEASES)
def userland(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Userland]:
    cache = request.config.cache
    assert cache is not None
    folder = tmp_path_factory.mktemp("userland")
    yield unpack_userland(request.param, cache, folder)
    shutil.rmtree(folder)


def heard_here(model: Path, posteriors: Path) -> list[dict[str, object]]:
    command = [
        sys.executable,
        "-m",
        "firmware_py",
        "detect",
        RECORDING,
        "--json",
        "--model",
        model,
        "--posteriors",
        posteriors,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_dpkg
def test_a_life_on_the_device(
    userland: Userland, package: Path, newer: Path, tmp_path: Path
) -> None:
    """Installed, at work, upgraded, removed, installed again, purged."""
    root, before = userland.root, userland.files()
    first, second, recording, beep = userland.take(package, newer, RECORDING, BEEP)
    userland.run("dpkg", "-i", first)
    assert userland.run("dpkg", "-V", "trigger-word") == ""
    assert userland.run("trigger-word", "--version").strip() == project_version()
    imports = "import pyaudio, gpiod, paho.mqtt.client, wyoming, zeroconf, nacl.signing"
    userland.run("/opt/trigger-word/bin/python3", "-I", "-c", imports)
    for model in (DEFAULT_MODEL, BEEP):
        (there,) = userland.take(model)
        output = userland.run(
            "trigger-word",
            "detect",
            recording,
            "--json",
            "--model",
            there,
            "--posteriors",
            "/srv/posteriors.npy",
        )
        found = [json.loads(line) for line in output.splitlines()]
        expected = heard_here(model, tmp_path / "here.npy")
        moments = [(each["label"], each["time_seconds"]) for each in found]
        assert moments == [(each["label"], each["time_seconds"]) for each in expected]
        difference = np.load(root / "srv/posteriors.npy") - np.load(tmp_path / "here.npy")
        assert np.abs(difference).max() < 1e-4, model
    userland.run("trigger-word", "install", beep)
    settings = root / "etc" / "trigger-word.toml"
    assert settings.stat().st_mode & 0o777 == 0o640
    settings.write_text(settings.read_text() + '[mqtt]\nhost = "broker"\n')
    (root / "etc/trigger-word.d/mqtt.toml").write_text('username = "u"\npassword = "p"\n')

    userland.run("dpkg", "-i", "--force-confold", second)
    assert settings.read_text().endswith('host = "broker"\n')
    assert (root / "var/lib/trigger-word/models/default.tflite").read_bytes() == BEEP.read_bytes()
    assert userland.run("trigger-word", "install", beep).count("already in place") == 1

    userland.run("dpkg", "-r", "trigger-word")
    assert settings.exists()
    assert not (root / "opt/trigger-word").exists()
    userland.run("dpkg", "-i", "--force-confold", first)
    userland.run("dpkg", "-P", "trigger-word")
    assert userland.files() - before == set()
    assert "trigger-word" not in (root / "etc/group").read_text()
