"""`python -m board prepare` on real images and folders, judged by the tools that read them."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from board_bundles import make_bundle, make_package, needs_dpkg
from board_cards import (
    BOOKWORM,
    STOCK,
    TRIXIE,
    check_filesystem,
    extract,
    fill,
    make_image,
    needs_tools,
    tree,
)

from board.__main__ import main
from board.bundle import Bundle
from board.prepare.boot_files import with_config_lines, with_parameters
from board.prepare.owner import wifi_key

pytestmark = [needs_tools, needs_dpkg]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKk3Jb2m0sVt1QJ9m2x5p3vYxw0mCq1x2m7dZq5cS0aA someone"
PASSWORD = "correct horse"
PHRASE = "a pass phrase"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle", make_package(tmp_path), "trixie")


@pytest.fixture
def bookworm_bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle-12", make_package(tmp_path), "bookworm")


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "key.pub").write_text(KEY + "\n")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "phrase").write_text(PHRASE + "\n")
    return [
        *("--hostname", "kitchen", "--user", "me", "--ssh-key", str(tmp_path / "key.pub")),
        *("--password-file", str(tmp_path / "password"), "--wifi", "Näh & Co"),
        *("--wifi-password-file", str(tmp_path / "phrase"), "--country", "GB"),
        *("--locale", "en_GB.UTF-8", "--timezone", "Europe/London", "--keymap", "gb"),
        *("--audio", "respeaker-2-mic-v1"),
    ]


def prepare(card: Path, bundle: Bundle, *arguments: str) -> int:
    return main(["prepare", str(card), "--bundle", str(bundle.folder), *arguments])


def cloud_config(text: bytes) -> dict:
    header, _, body = text.decode().partition("\n")
    assert header == "#cloud-config"
    return json.loads(body)


needs_mkpasswd = pytest.mark.skipif(shutil.which("mkpasswd") is None, reason="whois is missing")


@needs_mkpasswd
@pytest.mark.parametrize("label", ["dos", "gpt"])
def test_image_is_prepared_and_twice_is_once(
    tmp_path: Path, bundle: Bundle, arguments: list[str], label: str
) -> None:
    image = make_image(tmp_path / "card.img", TRIXIE, label=label)
    assert prepare(image, bundle, *arguments) == 0
    check_filesystem(image)
    first = tree(extract(image, tmp_path / "once"))
    assert prepare(image, bundle, *arguments) == 0
    check_filesystem(image)
    assert tree(extract(image, tmp_path / "twice")) == first
    assert first["trigger-word/packages/trigger-word_0.1.0_arm64.deb"]
    assert first["trigger-word/version"] == b"0.1.0\n"
    for name in ("issue.txt", "kernel8.img"):
        assert first[name] == TRIXIE[name].encode()
    assert not [name for name in first if name.endswith(".new")]


@needs_mkpasswd
def test_folder_and_image_become_the_same(
    tmp_path: Path, bundle: Bundle, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("board.prepare.passwords.hash_unless_same", lambda *_: "$y$same")
    image = make_image(tmp_path / "card.img", TRIXIE)
    folder = fill(tmp_path / "bootfs", TRIXIE)
    assert prepare(image, bundle, *arguments) == 0
    assert prepare(folder, bundle, *arguments) == 0
    assert tree(extract(image, tmp_path / "out")) == tree(folder)


@needs_mkpasswd
def test_trixie_gets_what_cloud_init_takes(
    tmp_path: Path, bundle: Bundle, arguments: list[str]
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    assert prepare(card, bundle, *arguments) == 0
    data = cloud_config((card / "user-data").read_bytes())
    assert data["hostname"] == "kitchen"
    assert data["locale"] == "en_GB.UTF-8"
    assert data["timezone"] == "Europe/London"
    assert data["ssh_pwauth"] is False
    (user,) = data["users"]
    assert user["name"] == "me"
    assert user["ssh_authorized_keys"] == [KEY]
    assert same_password(PASSWORD, user["passwd"])
    assert ["systemctl", "enable", "--now", "ssh"] in data["runcmd"]
    network = json.loads((card / "network-config").read_text())["network"]
    point = network["wifis"]["wlan0"]["access-points"]["Näh & Co"]
    assert point == {"password": wpa_passphrase("Näh & Co", PHRASE)}
    assert network["wifis"]["wlan0"]["regulatory-domain"] == "GB"
    assert json.loads((card / "meta-data").read_text())["dsmode"] == "local"
    assert "cfg80211.ieee80211_regdom=GB" in (card / "cmdline.txt").read_text().split()


@needs_mkpasswd
def test_no_secret_but_what_must_be_there(
    tmp_path: Path, bundle: Bundle, arguments: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    assert prepare(card, bundle, *arguments) == 0
    everything = b"".join(tree(card).values())
    assert PASSWORD.encode() not in everything
    assert PHRASE.encode() not in everything
    hashed = cloud_config((card / "user-data").read_bytes())["users"][0]["passwd"]
    derived = wifi_key("Näh & Co", PHRASE)
    after = {name: text for name, text in tree(card).items() if "/after/" in name}
    assert set(after) == {"trigger-word/after/user-data", "trigger-word/after/network-config"}
    for secret in (hashed, derived, KEY):
        assert secret.encode() not in b"".join(after.values())
        assert secret not in caplog.text


@needs_mkpasswd
def test_used_card_starts_anew_when_anything_is_new(
    tmp_path: Path, bundle: Bundle, arguments: list[str]
) -> None:
    """cloud-init works again when the instance is another one."""
    card = fill(tmp_path / "bootfs", TRIXIE)
    settings = tmp_path / "site.toml"
    instances = []
    for volume in (0.5, 0.5, 0.6):
        settings.write_text(f"[chime]\nvolume = {volume}\n")
        assert prepare(card, bundle, *arguments, "--settings", str(settings)) == 0
        instances.append(json.loads((card / "meta-data").read_text())["instance-id"])
    assert instances[0] == instances[1] != instances[2]


@pytest.mark.skipif(shutil.which("cloud-init") is None, reason="cloud-init is missing")
@pytest.mark.parametrize("locked", [False, True])
def test_cloud_init_finds_no_fault(
    tmp_path: Path, bundle: Bundle, arguments: list[str], locked: bool
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    if locked:
        arguments = ["--hostname", "kitchen", "--ssh-key", str(tmp_path / "key.pub")]
    assert prepare(card, bundle, *arguments) == 0
    for file in (card / "user-data", card / "trigger-word" / "after" / "user-data"):
        subprocess.run(["cloud-init", "schema", "--config-file", file], check=True)


@needs_mkpasswd
def test_bookworm_gets_a_script(
    tmp_path: Path, bookworm_bundle: Bundle, arguments: list[str]
) -> None:
    image = make_image(tmp_path / "card.img", BOOKWORM)
    assert prepare(image, bookworm_bundle, *arguments) == 0
    first = tree(extract(image, tmp_path / "once"))
    assert prepare(image, bookworm_bundle, *arguments) == 0
    assert tree(extract(image, tmp_path / "twice")) == first
    words = first["cmdline.txt"].decode().split()
    assert words.count("systemd.run=/boot/firmware/firstrun.sh") == 1
    assert "init=/usr/lib/raspberrypi-sys-mods/firstboot" in words
    assert first["cmdline.txt"].count(b"\n") == 1
    assert "user-data" not in first
    script = first["firstrun.sh"].decode()
    assert "set_hostname kitchen" in script
    assert f"psk={wpa_passphrase('Näh & Co', PHRASE)}" in script
    assert PASSWORD not in script
    assert PHRASE not in script
    assert '"$custom" enable_ssh -k' in script


@needs_mkpasswd
def test_shellcheck_finds_no_fault(
    tmp_path: Path, bookworm_bundle: Bundle, arguments: list[str]
) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is missing")
    card = fill(tmp_path / "bootfs", BOOKWORM)
    assert prepare(card, bookworm_bundle, *arguments) == 0
    scripts = [card / "firstrun.sh", *(card / "trigger-word").glob("*.sh")]
    assert len(scripts) == 5
    subprocess.run(["shellcheck", "--shell=sh", *scripts], check=True)


@needs_mkpasswd
def test_audio_goes_into_config_and_settings(
    tmp_path: Path, bundle: Bundle, arguments: list[str]
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    assert prepare(card, bundle, *arguments) == 0
    config = (card / "config.txt").read_text()
    assert config.startswith(TRIXIE["config.txt"].rstrip())
    block = config[config.index("# trigger-word: begin") :].splitlines()
    assert block[1:-1] == ["[all]", "dtparam=i2c_arm=on", "dtoverlay=wm8960-soundcard"]
    files = card / "trigger-word" / "files"
    assert 'line = "GPIO27"' in (files / "suggested.toml").read_text()
    assert "card wm8960soundcard" in (files / "asound.conf").read_text()
    assert "LINPUT1" in (files / "mixer.rules").read_text()
    other = [*arguments[:-1], "usb-microphone"]
    assert prepare(card, bundle, *other) == 0
    assert (card / "config.txt").read_text() == TRIXIE["config.txt"]
    assert not (files / "asound.conf").exists()
    assert 'device = "USB"' in (files / "suggested.toml").read_text()


def test_settings_are_checked_here(
    tmp_path: Path, bundle: Bundle, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    settings = tmp_path / "site.toml"
    settings.write_text('[[gpio]]\nline = "27"\n')
    before = tree(card)
    assert prepare(card, bundle, *arguments, "--settings", str(settings)) == 2
    assert "site.toml" in one_line(capsys)
    assert tree(card) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--hostname", "Kitchen!"], "the host name is 'Kitchen!'"),
        (["--user", "root"], "the user name is 'root'"),
        (["--audio", "voice-bonnet"], "both need GPIO2"),
        (["--country", ""], "add --country"),
        (["--timezone", "../etc"], "the time zone is"),
        (["--release", "bookworm"], "the bundle is for trixie"),
        (["--wifi", "x" * 33], "must have 1 to 32 bytes"),
        (["--ssh-key", "{folder}/private"], "private key"),
        (["--ssh-key", "{folder}/missing"], "cannot read the SSH key"),
        (["--password-file", "{folder}/empty"], "is empty"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    tmp_path: Path,
    bundle: Bundle,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    says: str,
) -> None:
    (tmp_path / "private").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "empty").write_text("\n")
    card = fill(tmp_path / "bootfs", TRIXIE)
    before = tree(card)
    changed = [word.format(folder=tmp_path) for word in change]
    assert prepare(card, bundle, *arguments, *changed) == 2
    assert says in one_line(capsys)
    assert tree(card) == before


def test_password_is_never_an_argument(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["prepare", "card", "--hostname", "x", "--password", PASSWORD])


@needs_mkpasswd
def test_password_from_standard_input(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert prepare(card, bundle, "--hostname", "kitchen", "--password-file", "-") == 0
    data = cloud_config((card / "user-data").read_bytes())
    assert same_password(PASSWORD, data["users"][0]["passwd"])
    assert ["systemctl", "enable", "--now", "ssh"] not in data["runcmd"], "nothing listens"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"readme.txt": "photos"}, "not a boot partition of Raspberry Pi OS"),
        ({**BOOKWORM, "kernel7.img": ""}, "32-bit"),
        ({**BOOKWORM, "issue.txt": "Raspberry Pi reference 2023-05-03"}, "2023-05-03"),
        ({**BOOKWORM, "cmdline.txt": "root=/dev/mmcblk0p2\n"}, "add --release"),
    ],
)
def test_other_systems_are_refused(
    tmp_path: Path,
    bundle: Bundle,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    says: str,
) -> None:
    card = fill(tmp_path / "bootfs", files)
    assert prepare(card, bundle, *arguments) == 2
    assert says in one_line(capsys)
    assert tree(card) == {name: text.encode() for name, text in files.items()}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no partition table"),
        (b"\xfd7zXZ\x00" + bytes(2000), "unpack it first"),
        (bytes(510) + b"\x55\xaa" + bytes(512), "no FAT partition"),
    ],
)
def test_files_that_are_no_image(
    tmp_path: Path,
    bundle: Bundle,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    says: str,
) -> None:
    image = tmp_path / "card.img"
    image.write_bytes(content)
    assert prepare(image, bundle, *arguments) == 2
    assert says in one_line(capsys)
    assert image.read_bytes() == content


def test_missing_card_and_device(
    tmp_path: Path, bundle: Bundle, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(tmp_path / "none", bundle, *arguments) == 2
    assert "is the card mounted?" in one_line(capsys)
    assert prepare(Path("/dev/null"), bundle, *arguments) == 2
    assert "mount its first partition" in one_line(capsys)


@needs_mkpasswd
def test_full_image_is_left_alone(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    package = make_package(tmp_path, files={"opt/big": os.urandom(30_000_000).hex()})
    bundle = make_bundle(tmp_path / "bundle", package, "trixie")
    image = make_image(tmp_path / "card.img", TRIXIE, megabytes=34)
    before = hashlib.sha256(image.read_bytes()).digest()
    assert prepare(image, bundle, *arguments) == 2
    assert "MB free and" in one_line(capsys)
    assert hashlib.sha256(image.read_bytes()).digest() == before


@needs_mkpasswd
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_card_that_fills_up_is_left_alone(
    tmp_path: Path,
    bundle: Bundle,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Room that is there when it is counted and gone when it is written."""
    card = tmp_path / "bootfs"
    card.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", card])
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        before = tree(fill(card, TRIXIE))
        monkeypatch.setattr("board.prepare.mounted_card.MountedCard.free_bytes", lambda _: 1 << 30)
        (bundle.folder / "packages" / "Packages").write_bytes(bytes(100_000))
        assert prepare(card, bundle, *arguments) == 2
        assert "No space left" in one_line(capsys)
        assert tree(card) == before
        assert not [path for path in card.iterdir() if path.name.endswith(".new")]
    finally:
        subprocess.run(["umount", card], check=True)


@needs_mkpasswd
def test_broken_off_attempt_makes_way(tmp_path: Path, bundle: Bundle, arguments: list[str]) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    fill(card / "trigger-word.new" / "packages", {"half.deb": "x"})
    assert prepare(card, bundle, *arguments) == 0
    assert not (card / "trigger-word.new").exists()
    assert not (card / "trigger-word" / "packages" / "half.deb").exists()


def test_damaged_bundle_is_refused(
    tmp_path: Path, bundle: Bundle, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    card = fill(tmp_path / "bootfs", TRIXIE)
    with bundle.package.open("ab") as file:
        file.write(b"x")
    assert prepare(card, bundle, *arguments) == 2
    assert "is not what MANIFEST.json says; make it again" in one_line(capsys)


@pytest.mark.skipif(shutil.which("wpa_passphrase") is None, reason="wpasupplicant is missing")
@pytest.mark.parametrize("phrase", ["12345678", "ü" * 20, "x" * 63])
def test_derived_key_is_that_of_wpa_passphrase(phrase: str) -> None:
    assert wifi_key("Some net", phrase) == wpa_passphrase("Some net", phrase)


def test_wpa3_keeps_the_phrase_and_hex_stays() -> None:
    assert wifi_key("net", PHRASE, only_wpa3=True) == PHRASE
    assert wifi_key("net", "A" * 64) == "a" * 64


def test_lines_come_once_and_go_again() -> None:
    config = STOCK["trixie"]["config.txt"]
    once = with_config_lines(config, ["dtoverlay=one"])
    assert with_config_lines(once, ["dtoverlay=one"]) == once
    assert with_config_lines(with_config_lines(once, ["dtoverlay=two"]), []) == config
    assert with_config_lines(config + "# mine\n", []) == config + "# mine\n"


def test_parameters_replace_their_like() -> None:
    line = with_parameters("root=/dev/x quiet regdom=DE\n", ["regdom=GB"])
    assert line == "root=/dev/x quiet regdom=GB\n"
    assert with_parameters(line, ["regdom=GB"]) == line


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was said on standard error: one line, without a traceback."""
    said = [line for line in capsys.readouterr().err.splitlines() if "INFO" not in line]
    assert len(said) == 1, said
    return said[0]


def same_password(password: str, hashed: str) -> bool:
    """Let crypt(3) judge."""
    assert hashed.startswith("$y$")
    command = ["mkpasswd", "--stdin", f"--salt={hashed}"]
    again = subprocess.run(command, input=password.encode(), capture_output=True, check=True)
    return again.stdout.decode().strip() == hashed


def wpa_passphrase(ssid: str, phrase: str) -> str:
    if shutil.which("wpa_passphrase") is None:
        return wifi_key(ssid, phrase)
    said = subprocess.run(
        ["wpa_passphrase", ssid], input=phrase, capture_output=True, text=True, check=True
    )
    found = re.search(r"^\s+psk=(\w{64})$", said.stdout, re.MULTILINE)
    assert found
    return found[1]
