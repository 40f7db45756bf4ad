"""The parts of an image: locked packages, options of a site, partitions, RAM disk."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from board.errors import BoardError
from board.image import kernel as kernels
from board.image.packages import INSTALLED, LOCK, UNPACKED, read_lock
from board.image.partitions import DISK_ID, write_boot, write_disk
from board.image.programs import PACKAGE_OF, require_programs
from board.image.site import Change, SiteOptions
from board.image.state import write_state
from board.image.system import FILES, UNUSED_UNITS
from firmware_py.errors import SettingsError

EPOCH = 1763683200
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [name for name in programs if not shutil.which(name, path=PATH)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def call(*command: str | Path) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "PATH": PATH}
    )
    return done.stdout


@pytest.fixture
def key(tmp_path: Path) -> Path:
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    return tmp_path / "id.pub"


class TestPackages:
    def test_the_lock_names_each_package_once_with_a_digest(self) -> None:
        lock = read_lock(LOCK)
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in lock.values())
        names = [name.partition("_")[0] for name in lock]
        assert len(set(names)) == len(names)
        assert {*INSTALLED, *UNPACKED} <= set(names)

    def test_only_for_the_device(self) -> None:
        architectures = {name.rpartition("_")[2] for name in read_lock(LOCK)}
        assert architectures == {"arm64.deb", "all.deb"}

    def test_missing_programs_are_named_with_the_remedy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda name, path: None)
        with pytest.raises(BoardError, match=r"apt install .*squashfs-tools"):
            require_programs()
        assert set(PACKAGE_OF.values()) >= {"mmdebstrap", "mtools"}


class TestSite:
    def test_nothing_is_switched_on_without_being_asked_for(self) -> None:
        assert SiteOptions().changes() == []
        assert {"ssh.service", "systemd-networkd.service"} <= set(UNUSED_UNITS)

    @needs("ssh-keygen")
    def test_a_key_brings_ssh_and_the_network(self, key: Path) -> None:
        changes = {change.path: change for change in SiteOptions(authorized_key=key).changes()}
        assert changes["etc/ssh/authorized_keys/root"].content == key.read_bytes()
        wanted = {Path(name).name for name, change in changes.items() if change.link_to}
        assert wanted == {"ssh.service", "systemd-networkd.service", "systemd-timesyncd.service"}

    @needs("ssh-keygen")
    def test_a_private_key_is_refused(self, key: Path) -> None:
        with pytest.raises(BoardError, match="private key"):
            SiteOptions(authorized_key=key.with_suffix("")).changes()

    @pytest.mark.parametrize("text", ["", "hello", "ssh-ed25519"])
    def test_what_is_no_key_is_refused(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(text)
        with pytest.raises(BoardError, match="ssh-keygen"):
            SiteOptions(authorized_key=tmp_path / "key").changes()

    @pytest.mark.parametrize("name", ["Kitchen", "a b", "-a", "a" * 64, "a.b"])
    def test_a_wrong_host_name_is_refused(self, name: str) -> None:
        with pytest.raises(BoardError, match="host name"):
            SiteOptions(host_name=name).changes()

    def test_wrong_settings_are_refused_here_and_not_on_the_device(self, tmp_path: Path) -> None:
        (tmp_path / "site.toml").write_text("[chime]\nvolume = 3\n")
        with pytest.raises(SettingsError, match="volume"):
            SiteOptions(settings=tmp_path / "site.toml").changes()

    @pytest.mark.parametrize(("text", "networked"), [("[mqtt]\n", True), ("[[gpio]]\n", False)])
    def test_the_network_is_on_where_an_output_needs_it(
        self, text: str, networked: bool, tmp_path: Path
    ) -> None:
        (tmp_path / "site.toml").write_text(text)
        changes = SiteOptions(settings=tmp_path / "site.toml").changes()
        assert any("networkd" in change.path for change in changes) == networked

    def test_wifi_secrets_are_for_root_only(self, tmp_path: Path) -> None:
        (tmp_path / "wpa.conf").write_text("network={\n}\n")
        (change,) = [
            each for each in SiteOptions(wifi=tmp_path / "wpa.conf").changes() if each.content
        ]
        assert change.mode == 0o600


@needs("mke2fs", "debugfs")
class TestState:
    CHANGES = (
        Change("etc/hostname", b"kitchen\n"),
        Change("etc/trigger-word.toml", b"", mode=0o640, group="settings"),
        Change("etc/systemd/x.wants/a b@c.service", link_to="/usr/lib/systemd/system/a.service"),
    )

    def test_same_inputs_same_bytes(self, tmp_path: Path) -> None:
        digests = set()
        for name in ("one", "two"):
            write_state(tmp_path / name, self.CHANGES, {"root": 0, "settings": 997}, EPOCH)
            digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
        assert len(digests) == 1

    def test_owners_modes_and_contents(self, tmp_path: Path) -> None:
        write_state(tmp_path / "state", self.CHANGES, {"root": 0, "settings": 997}, EPOCH)

        def ask(request: str) -> str:
            return call("debugfs", "-R", request, tmp_path / "state")

        assert ask("cat /changes/etc/hostname") == "kitchen\n"
        settings = ask("stat /changes/etc/trigger-word.toml")
        assert re.search(r"Mode: +0640", settings)
        assert re.search(r"User: +0 +Group: +997 ", settings)
        assert "-> " not in settings
        assert 'Fast link dest: "/usr/lib/systemd/system/a.service"' in ask(
            'stat "/changes/etc/systemd/x.wants/a b@c.service"'
        )
        assert re.search(r"Mode: +0700", ask("stat /"))
        call("e2fsck", "-f", "-n", tmp_path / "state")


@needs("mkfs.vfat", "mcopy", "sfdisk", "fsck.vfat")
class TestDisk:
    def test_the_boot_partition_holds_the_files_and_repeats_exactly(self, tmp_path: Path) -> None:
        (tmp_path / "source").write_bytes(b"kernel" * 1000)
        files = {"vmlinuz": tmp_path / "source", "bcm2837-rpi-3-b.dtb": tmp_path / "source"}
        for name in ("one", "two"):
            write_boot(tmp_path / name, files, EPOCH)
        call("fsck.vfat", "-n", tmp_path / "one")
        call("mcopy", "-i", tmp_path / "two", "::bcm2837-rpi-3-b.dtb", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"kernel" * 1000
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    def test_partitions_lie_where_the_table_says(self, tmp_path: Path) -> None:
        contents = [b"\1" * 5_000_000, b"\2" * 512, b"\0" * 3_000_000 + b"\3" * 1000]
        parts = [tmp_path / str(number) for number in range(3)]
        for path, content in zip(parts, contents, strict=True):
            path.write_bytes(content)
        write_disk(tmp_path / "disk", *parts)
        table = call("sfdisk", "--dump", tmp_path / "disk")
        assert f"label-id: 0x{DISK_ID}" in table
        disk = (tmp_path / "disk").read_bytes()
        for content, start in zip(contents, re.findall(r"start= *(\d+)", table), strict=True):
            place = int(start) * 512
            assert disk[place : place + len(content)] == content


class TestKernel:
    """On a made kernel tree: what modules need comes with them."""

    @pytest.fixture
    def kernel(self, tmp_path: Path) -> kernels.Kernel:
        folder = tmp_path / "lib" / "modules" / "6.1"
        for name in ("sound/core/snd.ko", "sound/usb/audio.ko", "fs/far.ko"):
            (folder / "kernel" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "kernel" / name).write_bytes(b"")
        (folder / "modules.dep").write_text(
            "kernel/sound/usb/audio.ko: kernel/sound/core/snd.ko\n"
            "kernel/sound/core/snd.ko:\nkernel/fs/far.ko:\n"
        )
        return kernels.Kernel(tmp_path, "6.1")

    def test_needs_are_copied(
        self, kernel: kernels.Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kernels, "run_tool", lambda *command: b"")
        kernel.copy_modules(["sound/usb/*"], tmp_path / "root")
        copied = {path.name for path in (tmp_path / "root").rglob("*.ko")}
        assert copied == {"audio.ko", "snd.ko"}

    def test_a_pattern_that_matches_nothing_is_an_error(
        self, kernel: kernels.Kernel, tmp_path: Path
    ) -> None:
        with pytest.raises(BoardError, match="no module drivers/none"):
            kernel.copy_modules(["drivers/none/*"], tmp_path / "root")


def test_init_is_a_shell_script_without_errors() -> None:
    call("sh", "-n", Path(kernels.__file__).with_name("init.sh"))


def test_nobody_logs_in_by_password() -> None:
    text = (FILES / "etc" / "ssh" / "sshd_config.d" / "keys-only.conf").read_text()
    assert "PasswordAuthentication no" in text
    for unit in ("getty@.service", "serial-getty@.service"):
        assert (FILES / "etc" / "systemd" / "system" / unit).readlink() == Path("/dev/null")
