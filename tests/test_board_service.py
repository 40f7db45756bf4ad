"""The service unit: what systemd says of it, and when it has the network."""

import shutil
import subprocess
from pathlib import Path

import pytest

from board.package.tree import GENERATOR, lay_system_files

SERVICE = Path(__file__).parents[1] / "board" / "service"
UNIT = "usr/lib/systemd/system/trigger-word.service"
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is needed"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root with the package's system files, and the programs that the unit names."""
    lay_system_files(tmp_path)
    for program in ("usr/bin/trigger-word", "bin/sh"):
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o755)
    return tmp_path


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_has_nothing_to_say(root: Path) -> None:
    for target in (
        "sysinit.target",
        "basic.target",
        "multi-user.target",
        "sound.target",
        "network.target",
        "shutdown.target",
        "system.slice",
        "-.slice",
    ):
        source = Path("/usr/lib/systemd/system") / target
        if source.exists():
            shutil.copy(source, root / "usr/lib/systemd/system")
    done = analyze("verify", "--man=no", f"--root={root}", "trigger-word.service")
    ours = [line for line in done.stderr.splitlines() if "trigger-word" in line]
    assert (done.returncode, ours) == (0, [])


def exposure(unit: Path) -> float:
    done = analyze("security", "--offline=yes", unit)
    (last,) = (line for line in done.stdout.splitlines() if "exposure level" in line)
    return float(last.split(":")[1].split()[0])


@needs_systemd
def test_exposure(root: Path, tmp_path: Path) -> None:
    assert exposure(root / UNIT) <= 1.0
    with_network = tmp_path / "trigger-word.service"
    with_network.write_text(
        (SERVICE / "trigger-word.service").read_text() + (SERVICE / "network.conf").read_text()
    )
    assert exposure(with_network) <= 2.0


@pytest.mark.parametrize(
    ("settings", "opens"),
    [
        ("", False),
        ('[chime]\nsound = "off"\n', False),
        ("#[mqtt]\n#host = 'broker'\n", False),
        ("[service]\nmetrics_port = 0\n", False),
        ("[mqtt]\nhost = 'broker'\n", True),
        ("  [ wyoming ]\n", True),
        ("[[webhook]]\nurl = 'http://localhost'\n", True),
        ("mqtt.host = 'broker'\n", True),
        ("mqtt = {host = 'broker'}\n", True),
        ("[service]\nmetrics_port = 9100\n", True),
    ],
)
def test_the_network_is_there_when_an_output_needs_it(
    root: Path, tmp_path: Path, settings: str, opens: bool
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(settings)
    out = tmp_path / "units"
    out.mkdir()
    command = ["sh", str(root / GENERATOR), *[str(out)] * 3, str(path)]
    subprocess.run(command, check=True)
    link = out / "trigger-word.service.d" / "network.conf"
    assert link.is_symlink() == opens
    if opens:
        assert (root / str(link.readlink()).lstrip("/")).is_file()


def test_the_packaged_settings_open_nothing(root: Path, tmp_path: Path) -> None:
    settings = root / "etc" / "trigger-word.toml"
    command = ["sh", str(root / GENERATOR), *[str(tmp_path)] * 3, str(settings)]
    subprocess.run(command, check=True)
    assert not (tmp_path / "trigger-word.service.d").exists()


def test_without_settings_the_generator_is_silent(root: Path, tmp_path: Path) -> None:
    command = ["sh", str(root / GENERATOR), *[str(tmp_path)] * 3, str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
