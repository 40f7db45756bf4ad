"""The first boot of a prepared card: cloud-init, systemd, apt and dpkg are the real ones."""

import json
import stat
import subprocess
from pathlib import Path

import pytest
from board_bundles import make_bundle, make_package
from board_cards import BOOKWORM, TRIXIE, fill, tree
from board_guest import base_system, booted, needs_guest, unpack
from board_service import service_package

from board.__main__ import main
from board.bundle import Release

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), needs_guest]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKk3Jb2m0sVt1QJ9m2x5p3vYxw0mCq1x2m7dZq5cS0aA someone"
LOG = "trigger-word/first-boot.log"


def prepared_card(folder: Path, release: Release, behaviour: str = "ready") -> Path:
    """Prepare a card with a package that depends on another one."""
    library = make_package(folder, "2.0", "all", name="trigger-word-library")
    package = service_package(folder, "0.1.0", behaviour, depends="trigger-word-library (>= 2)")
    bundle = make_bundle(folder / f"bundle-{behaviour}", package, release, library)
    card = fill(folder / f"card-{behaviour}", TRIXIE if release == "trixie" else BOOKWORM)
    (folder / "key.pub").write_text(KEY)
    (folder / "password").write_text("correct horse\n")
    (folder / "phrase").write_text("a pass phrase\n")
    command = [
        *("prepare", str(card), "--bundle", str(bundle.folder), "--hostname", "kitchen"),
        *("--user", "me", "--ssh-key", str(folder / "key.pub"), "--timezone", "Europe/London"),
        *("--password-file", str(folder / "password"), "--audio", "respeaker-2-mic-v1"),
        *("--wifi", "net", "--wifi-password-file", str(folder / "phrase"), "--country", "GB"),
    ]
    assert main(command) == 0
    return card


def log_of(card: Path) -> str:
    return (card / LOG).read_text() if (card / LOG).exists() else ""


def test_trixie_card_makes_a_listening_device(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    card = prepared_card(tmp_path, "trixie")
    root = unpack(base_system(pytestconfig.cache, "trixie"), tmp_path / "root")
    secrets = [line for line in (card / "user-data").read_text().split('"') if "$y$" in line]
    secrets += [w for w in (card / "network-config").read_text().split('"') if len(w) == 64]
    assert len(secrets) == 2
    with booted(root, card) as guest:
        guest.wait_until(lambda: "done;" in log_of(card), "the installation")
        guest.wait_until(
            lambda: guest.run("systemctl", "is-active", "trigger-word").returncode == 0, "ready"
        )
        assert guest.output("hostname") == "kitchen"
        assert guest.output("cat", "/home/me/.ssh/authorized_keys") == KEY
        assert guest.output("cat", "/etc/timezone") == "Europe/London"
        assert guest.output("systemctl", "is-enabled", "ssh") == "enabled"
        versions = guest.output("dpkg-query", "-W", "-f=${Version} ", "trigger-word*")
        assert versions.split() == ["0.1.0", "2.0"]
        assert guest.output("getent", "shadow", "me").split(":")[1] == secrets[0]
        assert 'line = "GPIO27"' in guest.output("cat", "/etc/trigger-word.toml")
        assert "wm8960soundcard" in guest.output("cat", "/etc/asound.conf")
        assert not guest.run("ls", "/etc/systemd/system/trigger-word-first-boot.service").stdout
        log = guest.output("cat", "/var/log/cloud-init-output.log") + guest.output("journalctl")
        everything = b"".join(tree(card).values()).decode() + log
        assert not [secret for secret in secrets if secret in everything]
        guest.run("apt-get", "check")
        netplan = [p for p in (root / "etc/netplan").iterdir() if secrets[1] in p.read_text()]
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in netplan)
        assert netplan
    assert not (card / "trigger-word" / "packages").exists()
    with booted(root, card) as guest:
        assert guest.output("hostname") == "kitchen"
        assert guest.output("systemctl", "is-active", "trigger-word") == "active"
        assert log_of(card).count("first boot of") == 1


def test_failed_installation_says_why_and_is_tried_again(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    card = prepared_card(tmp_path, "trixie")
    (deb,) = (card / "trigger-word" / "packages").glob("trigger-word-library*.deb")
    hidden = deb.rename(deb.with_suffix(".hidden"))
    root = unpack(base_system(pytestconfig.cache, "trixie"), tmp_path / "root")
    with booted(root, card) as guest:
        guest.wait_until(lambda: "FAILED" in log_of(card), "the reason")
        assert "trigger-word-library" in log_of(card)
        assert "it is tried again at the next boot" in log_of(card)
        assert guest.output("hostname") == "kitchen", "the person can log in and look"
        assert guest.run("systemctl", "is-failed", "trigger-word-first-boot").returncode == 0
    hidden.rename(deb)
    with booted(root, card) as guest:
        guest.wait_until(lambda: "done;" in log_of(card), "the installation")
        guest.wait_until(
            lambda: guest.run("systemctl", "is-active", "trigger-word").returncode == 0, "ready"
        )


def test_power_cut_in_the_installation_is_made_good(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    card = prepared_card(tmp_path, "trixie")
    root = unpack(base_system(pytestconfig.cache, "trixie"), tmp_path / "root")
    with booted(root, card) as guest:
        guest.wait_until(lambda: "first boot of" in log_of(card), "the beginning")
    with booted(root, card) as guest:
        guest.wait_until(lambda: "done;" in log_of(card), "the installation")
        assert guest.output("dpkg", "--audit") == ""


def test_bookworm_script_sets_the_installation_up(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """The vendor's own programs are missing in Debian: the log says so, and nothing else stops."""
    card = prepared_card(tmp_path, "bookworm")
    root = unpack(base_system(pytestconfig.cache, "bookworm"), tmp_path / "root")
    (root / "etc/cloud/cloud-init.disabled").touch()
    command = [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        f"--directory={root}",
        f"--bind={card}:/boot/firmware",
        "--private-network",
        "--pipe",
    ]
    subprocess.run(
        [*command, "sh", "/boot/firmware/firstrun.sh"], check=True, stdin=subprocess.DEVNULL
    )
    log = (card / "trigger-word" / "first-run.log").read_text()
    assert "host name: FAILED" in log
    assert "installation at the next boot: done" in log
    assert not (card / "firstrun.sh").exists()
    assert (card / "cmdline.txt").read_text().split() == [
        *BOOKWORM["cmdline.txt"].split(),
        "cfg80211.ieee80211_regdom=GB",
    ]
    network = root / "etc/NetworkManager/system-connections/trigger-word.nmconnection"
    assert stat.S_IMODE(network.stat().st_mode) == 0o600
    assert "ssid=110;101;116;" in network.read_text()
    with booted(root, card) as guest:
        guest.wait_until(lambda: "done;" in log_of(card), "the installation")
        guest.wait_until(
            lambda: guest.run("systemctl", "is-active", "trigger-word").returncode == 0, "ready"
        )


def test_wrong_release_is_refused_with_the_remedy(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    card = prepared_card(tmp_path, "bookworm")
    root = unpack(base_system(pytestconfig.cache, "trixie"), tmp_path / "root")
    kit = root / "srv" / "kit"
    subprocess.run(["cp", "-r", card / "trigger-word", kit], check=True)
    refused = subprocess.run(
        ["chroot", root, "sh", "/srv/kit/install.sh", "/srv/kit"], capture_output=True, text=True
    )
    assert refused.returncode == 3
    assert "this system is Debian trixie, the packages are for bookworm" in refused.stdout
    assert not list((root / "tmp").iterdir())


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_real_package_installs_on_arm64_without_a_network(
    tmp_path: Path, pytestconfig: pytest.Config, release: Release
) -> None:
    """The whole way, emulated: package, archive, bundle, card, apt and dpkg of an arm64 system."""
    archive = base_system(pytestconfig.cache, release, "arm64")
    bundle = tmp_path / "bundle"
    if main(["bundle", "--release", release, "--out", str(bundle)]) != 0:
        pytest.skip("the packages cannot be fetched")
    (tmp_path / "key.pub").write_text(KEY)
    root = unpack(archive, tmp_path / "root")
    card = fill(root / "boot/firmware", TRIXIE if release == "trixie" else BOOKWORM)
    command = ["prepare", str(card), "--bundle", str(bundle), "--hostname", "kitchen"]
    assert main([*command, "--ssh-key", str(tmp_path / "key.pub"), "--audio", "voice-bonnet"]) == 0
    inside = [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        f"--directory={root}",
        "--private-network",
        "--pipe",
    ]
    script = "/boot/firmware/trigger-word/first-boot.sh"
    subprocess.run([*inside, "sh", script], check=True, stdin=subprocess.DEVNULL)
    assert "done;" in log_of(card)
    shown = subprocess.run(
        [*inside, "trigger-word", "show", "--json"], capture_output=True, stdin=subprocess.DEVNULL
    )
    assert json.loads(shown.stdout)["name"] == "activate"
    settings = root / "etc/trigger-word.toml"
    assert 'line = "GPIO27"' in settings.read_text()
    assert stat.S_IMODE(settings.stat().st_mode) == 0o640
