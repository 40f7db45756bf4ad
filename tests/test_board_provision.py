"""`python -m board provision` against a real sshd: what it finds, plans and says."""

import getpass
import json
import platform
import subprocess
from pathlib import Path

import pytest
from board_bundles import make_bundle, make_package, needs_dpkg
from board_guest import free_port
from board_sshd import Server, make_key, needs_sshd, sshd

from board.__main__ import main
from board.errors import BoardError
from board.provision.fleet import read_hosts
from board.provision.outcome import ProvisionOutcome
from board.provision.remote import OPTIONS, Target

pytestmark = [needs_sshd, needs_dpkg]


def codename() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


needs_debian = pytest.mark.skipif(
    codename() not in ("bookworm", "trixie"), reason="this machine plays the device"
)


@pytest.fixture(autouse=True)
def own_known_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep host keys out of the person's own list."""
    known = tmp_path / "known_hosts"
    options = (f"UserKnownHostsFile={known}", *OPTIONS)
    monkeypatch.setattr("board.provision.remote.OPTIONS", options)
    return known


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    package = make_package(tmp_path, "9.9", architecture)
    return make_bundle(tmp_path / "bundle", package, codename() or "trixie").folder


def provision(server: Server, bundle: Path, *arguments: str, key: Path | None = None) -> int:
    return main(
        [
            *("provision", server.target, "--port", str(server.port)),
            *("--identity", str(key or server.key), "--bundle", str(bundle), *arguments),
        ]
    )


@needs_debian
def test_dry_run_shows_the_steps_and_changes_nothing(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "site.toml"
    settings.write_text("[chime]\nvolume = 0.5\n")
    with sshd(tmp_path) as server:
        assert provision(server, bundle, "--dry-run", "--settings", str(settings)) == 0
        text = capsys.readouterr().out
        assert provision(server, bundle, "--dry-run", "--json") == 0
    for step in ("copy ", "install version 9.9", "write /etc/trigger-word.toml", "ready"):
        assert step in text
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["state"] == "planned"
    assert row["steps"][0].startswith("copy ")
    assert not [path for path in server.home.rglob("*") if path.is_file()]
    assert not Path("/etc/trigger-word.toml").exists()


@needs_debian
def test_full_disk_is_seen_before_anything_is_copied(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    with sshd(tmp_path) as server:
        small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", home])
        if small.returncode:
            pytest.skip("mounting is not allowed here")
        try:
            assert provision(server, bundle) == 1
        finally:
            subprocess.run(["umount", home], check=True)
    said = capsys.readouterr().out
    assert "MB are free and" in said
    assert "apt-get clean" in said


def test_wrong_key_is_one_line(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sshd(tmp_path) as server:
        assert provision(server, bundle, key=server.stranger) == 2
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    assert "unreachable" in said.out
    assert "the login was refused; check the user, add --ask-password" in said.out


def test_wrong_password_is_one_line_and_never_shown(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("a wrong secret\n")
    with sshd(tmp_path) as server:
        code = provision(
            server, bundle, "--password-file", str(tmp_path / "password"), key=server.stranger
        )
    assert code == 2
    said = capsys.readouterr()
    assert "the login was refused" in said.out
    assert "secret" not in said.out + said.err
    assert "secret" not in (tmp_path / "sshd.log").read_text()


def test_nobody_listens(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{getpass.getuser()}@127.0.0.1"
    arguments = ["provision", target, "--port", str(free_port()), "--bundle", str(bundle)]
    assert main(arguments) == 2
    assert "it refuses SSH; switch SSH on, or check the port" in capsys.readouterr().out


def test_no_such_host(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", "pi@no-such-host.invalid", "--bundle", str(bundle)]) == 2
    assert "there is no host no-such-host.invalid" in capsys.readouterr().out


def test_another_host_key_is_refused(
    tmp_path: Path, bundle: Path, own_known_hosts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sshd(tmp_path) as server:
        other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
        own_known_hosts.write_text(f"[127.0.0.1]:{server.port} {other}")
        assert provision(server, bundle) == 2
    assert "its host key is another one than before" in capsys.readouterr().out


def test_other_system_is_refused(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sshd(tmp_path, force_command="echo release=sid") as server:
        assert provision(server, bundle) == 1
    assert "this is sid; it takes bookworm or trixie" in capsys.readouterr().out


def test_connection_lost_while_copying_says_what_to_do(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sshd(tmp_path, force_command="kill -9 $PPID") as server:
        assert provision(server, bundle) == 2
    assert "run the command again" in capsys.readouterr().out


@needs_debian
def test_fleet_has_a_row_for_each(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = tmp_path / "hosts.txt"
    with sshd(tmp_path) as server:
        (tmp_path / "config").write_text(
            f"Host good\n  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {server.key}\n"
        )
        hosts.write_text("good  # in the kitchen\n\nme@no-such-host.invalid\n")
        wrapper = tmp_path / "bin" / "ssh"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {tmp_path}/config "$@"\n')
        wrapper.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(wrapper.parent), prepend=":")
            code = main(
                ["provision", "--many", str(hosts), "--bundle", str(bundle), "--dry-run", "--json"]
            )
    assert code == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["target"], row["state"]) for row in rows] == [
        ("good", "planned"),
        ("me@no-such-host.invalid", "unreachable"),
    ]


def test_hosts_are_read_with_their_settings(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("# all\npi@one\npi@two two.toml # upstairs\n")
    settings = tmp_path / "two.toml"
    assert read_hosts(hosts) == [Target("pi@one"), Target("pi@two", settings=settings)]
    for text, says in (
        ("", "names no host"),
        ("a b c\n", "line 1"),
        ("-oProxy=x\n", "not a target"),
    ):
        hosts.write_text(text)
        with pytest.raises(BoardError, match=says):
            read_hosts(hosts)


@pytest.mark.parametrize("arguments", [[], ["pi@one", "--many", "hosts.txt"]])
def test_one_or_many(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", *arguments]) == 2
    assert "name one device as user@host, or a file of them with --many" in capsys.readouterr().err


def test_exit_codes() -> None:
    codes = {"installed": 0, "unchanged": 0, "rolled-back": 1, "not-ready": 1, "unreachable": 2}
    assert {state: ProvisionOutcome("x", state).exit_code for state in codes} == codes


def test_config_of_a_running_pi_changes_once(tmp_path: Path) -> None:
    from board.device.kit import FOLDER
    from board.prepare.boot_files import with_config_lines

    config, lines = tmp_path / "config.txt", tmp_path / "lines"
    stock = "dtparam=audio=on\n[cm4]\notg_mode=1\n"
    config.write_text(stock)
    for wanted in (["dtoverlay=one"], ["dtoverlay=one"], ["dtoverlay=two"], []):
        before = config.read_text()
        lines.write_text("".join(f"{line}\n" for line in wanted))
        said = subprocess.run(
            ["sh", FOLDER / "boot-config.sh", lines, config],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert config.read_text() == with_config_lines(stock, wanted), "as `prepare` writes it"
        assert (said == "restart\n") == (config.read_text() != before)
    assert config.read_text() == stock
