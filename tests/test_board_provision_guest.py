"""`python -m board provision` on a running Debian: real sshd, sudo, apt, dpkg and systemd."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_bundles import make_bundle
from board_guest import Guest, base_system, booted, free_port, needs_guest, unpack
from board_service import service_package
from board_sshd import make_key

from board.__main__ import main
from board.provision.remote import OPTIONS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), needs_guest]

USER = "me"
PASSWORD = "correct horse"


class Device:
    """A guest that answers on SSH, and the workstation's side of it."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.key = make_key(folder / "key")
        self.root = unpack(archive, folder / "root")
        (self.root / "etc/cloud/cloud-init.disabled").touch()
        (self.root / "etc/ssh/sshd_config.d/port.conf").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\n"
        )
        inside = (
            f"useradd -m -s /bin/sh {USER}; echo '{USER}:{PASSWORD}' | chpasswd;"
            f"usermod -aG sudo {USER}; echo '{USER} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/me;"
            "ssh-keygen -A; systemctl enable ssh"
        )
        subprocess.run(["chroot", self.root, "sh", "-c", inside], check=True, capture_output=True)
        keys = self.root / "home" / USER / ".ssh"
        keys.mkdir()
        shutil.copy(f"{self.key}.pub", keys / "authorized_keys")
        subprocess.run(["chown", "-R", "--reference", keys.parent, keys], check=True)
        self.guest: Guest

    def bundle(self, version: str, behaviour: str = "ready") -> Path:
        folder = self.folder / f"bundle-{version}-{behaviour}"
        if not folder.exists():
            package = service_package(self.folder, version, behaviour)
            make_bundle(folder, package, "bookworm")
        return folder

    def provision(self, bundle: Path, *arguments: str, key: bool = True) -> int:
        identity = ["--identity", str(self.key)] if key else []
        return main(
            [
                *("provision", f"{USER}@127.0.0.1", "--port", str(self.port), *identity),
                *("--bundle", str(bundle), "--ready-seconds", "8", "--json", *arguments),
            ]
        )

    def version(self) -> str:
        return self.guest.output("dpkg-query", "-W", "-f=${Version}", "trigger-word")

    def running_version(self) -> str:
        self.guest.output("systemctl", "is-active", "trigger-word")
        lines = self.guest.output("journalctl", "-u", "trigger-word", "-o", "cat").splitlines()
        return [line for line in lines if line.startswith("version ")][-1].split()[1]


@pytest.fixture
def device(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Device]:
    known = f"UserKnownHostsFile={tmp_path / 'known_hosts'}"
    monkeypatch.setattr("board.provision.remote.OPTIONS", (known, *OPTIONS))
    device = Device(tmp_path, base_system(pytestconfig.cache, "bookworm"))
    with booted(device.root, network=True) as device.guest:
        yield device


def outcome(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    (line,) = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def test_install_upgrade_and_nothing_to_do(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    assert device.provision(device.bundle("1.0")) == 0
    assert outcome(capsys)["state"] == "installed"
    assert device.running_version() == "1.0"
    started = device.guest.output("systemctl", "show", "-P", "MainPID", "trigger-word")

    assert device.provision(device.bundle("1.0")) == 0
    assert outcome(capsys)["state"] == "unchanged"
    assert device.guest.output("systemctl", "show", "-P", "MainPID", "trigger-word") == started

    settings = device.folder / "site.toml"
    settings.write_text("[chime]\nvolume = 0.5\n")
    assert device.provision(device.bundle("1.0"), "--settings", str(settings)) == 0
    assert outcome(capsys)["steps"][-3:][0] == "write /etc/trigger-word.toml"

    assert device.provision(device.bundle("2.0")) == 0
    said = outcome(capsys)
    assert (said["state"], said["before"], said["after"]) == ("upgraded", "1.0", "2.0")
    assert device.running_version() == "2.0"
    kept = (device.root / "etc/trigger-word.toml").read_text()
    assert kept == settings.read_text(), "an upgrade keeps the settings"
    assert not (device.root / "home" / USER / ".cache/trigger-word-provision").exists()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("silent", "not ready after 8 s: no microphone found; plug one in"),
        ("unconfigurable", "the packages could not be installed"),
    ],
)
def test_upgrade_that_does_not_work_is_taken_back(
    device: Device, capsys: pytest.CaptureFixture[str], behaviour: str, reason: str
) -> None:
    good, other = device.folder / "good.toml", device.folder / "other.toml"
    good.write_text("[chime]\nvolume = 0.5\n")
    other.write_text("[chime]\nvolume = 0.9\n")
    assert device.provision(device.bundle("1.0"), "--settings", str(good)) == 0
    capsys.readouterr()
    assert device.provision(device.bundle("2.0", behaviour), "--settings", str(other)) == 1
    said = outcome(capsys)
    assert (said["state"], said["after"]) == ("rolled-back", "1.0")
    assert reason in said["message"]
    assert device.version() == "1.0"
    assert device.running_version() == "1.0"
    assert (device.root / "etc/trigger-word.toml").read_text() == good.read_text()
    assert device.guest.output("dpkg", "--audit") == ""
    assert device.provision(device.bundle("3.0")) == 0, "and the next one goes on"
    assert device.running_version() == "3.0"


def test_first_installation_that_does_not_listen_stays_and_says_so(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    assert device.provision(device.bundle("1.0", "silent")) == 1
    said = outcome(capsys)
    assert (said["state"], said["after"]) == ("not-ready", "1.0")
    assert "plug one in" in said["message"]


def test_audio_hardware_goes_into_config_once(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    config = device.root / "boot/firmware/config.txt"
    config.write_text("dtparam=audio=on\n")
    for state in ("restart", "unchanged"):
        assert device.provision(device.bundle("1.0"), "--audio", "voice-bonnet") == 0
        assert outcome(capsys)["state"] == state
        assert config.read_text().count("dtoverlay=wm8960-soundcard\n") == 1
        assert "wm8960soundcard" in (device.root / "etc/asound.conf").read_text()
    config.write_text("dtparam=audio=on\n")
    assert device.provision(device.bundle("1.0"), "--audio", "voice-bonnet", "--dry-run") == 0
    assert "switch the audio hardware on in config.txt" in outcome(capsys)["steps"]


def test_suggested_settings_give_way_to_own_ones(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = device.root / "etc/trigger-word.toml"
    assert device.provision(device.bundle("1.0")) == 0
    assert settings.read_text() == "# version 1.0\n", "the package's own"
    assert device.provision(device.bundle("1.0"), "--audio", "usb-microphone") == 0
    assert 'device = "USB"' in settings.read_text()
    assert device.provision(device.bundle("2.0"), "--audio", "i2s-microphone") == 0
    assert "channel = 1" in settings.read_text()
    own = settings.read_text() + "# mine\n"
    settings.write_text(own)
    capsys.readouterr()
    assert device.provision(device.bundle("2.0"), "--audio", "i2s-microphone") == 0
    said = outcome(capsys)
    assert said["state"] == "unchanged", said
    assert device.provision(device.bundle("3.0"), "--audio", "usb-microphone") == 0
    assert settings.read_text() == own


def test_lost_connection_leaves_it_working_and_a_second_run_completes(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    assert device.provision(device.bundle("1.0")) == 0
    capsys.readouterr()
    result = device.root / "var/lib/trigger-word-provision/result"

    def cut() -> None:
        while result.exists():  # the second installation begins by removing it
            time.sleep(0.01)
        device.guest.run("pkill", "-9", "sshd")
        device.guest.run("systemctl", "restart", "ssh")

    cutter = threading.Thread(target=cut)
    cutter.start()
    code = device.provision(device.bundle("2.0"))
    cutter.join()
    assert code == 2
    assert "the connection was lost; the device goes on by itself" in outcome(capsys)["message"]
    assert device.provision(device.bundle("2.0")) == 0
    assert outcome(capsys)["state"] in ("installed", "unchanged", "upgraded")
    assert device.running_version() == "2.0"


def test_lost_connection_while_copying(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    assert device.provision(device.bundle("1.0")) == 0
    capsys.readouterr()
    bundle = device.bundle("2.0")
    stage = device.root / "home" / USER / ".cache/trigger-word-provision"

    def cut() -> None:
        while not (stage / "packages").exists():
            time.sleep(0.001)
        device.guest.run("pkill", "-9", "sshd")
        device.guest.run("systemctl", "restart", "ssh")

    cutter = threading.Thread(target=cut)
    cutter.start()
    code = device.provision(bundle)
    cutter.join()
    capsys.readouterr()
    assert code in (0, 2)
    assert device.running_version() in ("1.0", "2.0")
    assert device.provision(bundle) == 0
    assert device.running_version() == "2.0"


def test_password_for_ssh_and_sudo(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    (device.root / "etc/sudoers.d/me").unlink()
    right, wrong = device.folder / "right", device.folder / "wrong"
    right.write_text(f"{PASSWORD}\n")
    wrong.write_text("not it\n")
    bundle = device.bundle("1.0")
    assert device.provision(bundle, "--password-file", str(wrong), key=False) == 2
    assert "the login was refused" in outcome(capsys)["message"]
    assert device.provision(bundle) == 2
    assert "sudo wants a password; add --ask-password" in outcome(capsys)["message"]
    assert device.provision(bundle, "--password-file", str(right), key=False) == 0
    assert device.running_version() == "1.0"
    log = device.guest.output("journalctl", "--no-pager")
    assert PASSWORD not in log + Path(f"{device.root}.log").read_text(errors="replace")


def test_full_disk_in_the_middle(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    assert device.provision(device.bundle("1.0")) == 0
    capsys.readouterr()
    state = "/var/lib/trigger-word-provision"
    device.guest.output("mount", "-t", "tmpfs", "-o", "size=4k", "none", f"{state}/current")
    device.guest.output("mkdir", "-p", f"{state}/candidate")
    device.guest.output("mount", "-t", "tmpfs", "-o", "size=4k,ro", "none", f"{state}/candidate")
    assert device.provision(device.bundle("2.0")) == 1
    said = outcome(capsys)
    assert said["state"] == "failed"
    assert "no room in /var; free space with: sudo apt-get clean" in said["message"]
    assert device.running_version() == "1.0"
