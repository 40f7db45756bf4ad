"""Cards as the vendor writes them: an image with the files of a boot partition that matter."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = ("sfdisk", "mkfs.vfat", "mcopy", "mdir")
needs_tools = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="fdisk, dosfstools or mtools is missing"
)

START = 8192
"""First sector of the boot partition, as in the vendor's images."""

CONFIG = """\
# For more options and information see
# http://rptl.io/configtxt
dtparam=audio=on
camera_auto_detect=1
display_auto_detect=1
auto_initramfs=1
dtoverlay=vc4-kms-v3d
max_framebuffers=2
disable_fw_kms_setup=1
arm_64bit=1
disable_overscan=1
arm_boost=1

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[all]
"""
ROOT = "console=serial0,115200 console=tty1 root=PARTUUID=0b8a2f4e-02 rootfstype=ext4"
ISSUE = "Raspberry Pi reference {date}\nGenerated using pi-gen, stage2\n"

BOOKWORM = {
    "config.txt": CONFIG,
    "cmdline.txt": f"{ROOT} fsck.repair=yes rootwait quiet"
    " init=/usr/lib/raspberrypi-sys-mods/firstboot\n",
    "issue.txt": ISSUE.format(date="2024-11-19"),
    "kernel8.img": "",
}
TRIXIE = {
    "config.txt": CONFIG,
    "cmdline.txt": f"{ROOT} fsck.repair=yes rootwait resize\n",
    "issue.txt": ISSUE.format(date="2025-12-04"),
    "kernel8.img": "",
    "meta-data": "# the instance\ninstance_id: rpios-image\n",
    "user-data": "#cloud-config\n\n#hostname: raspberrypi\n",
    "network-config": "network:\n  version: 2\n",
}
STOCK = {"bookworm": BOOKWORM, "trixie": TRIXIE}


def fill(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def make_image(path: Path, files: dict[str, str], megabytes: int = 48, label: str = "dos") -> Path:
    """Make an image with a boot and a root partition, the first one filled."""
    sectors = megabytes * 2048
    with path.open("wb") as image:
        image.truncate((START + sectors + 4096) * 512)
    kinds = ("c", "83") if label == "dos" else ("U", "L")
    table = (
        f"label: {label}\nstart={START}, size={sectors}, type={kinds[0]}\n"
        f"start={START + sectors}, size=2048, type={kinds[1]}\n"
    )
    subprocess.run(["sfdisk", "--quiet", path], input=table.encode(), check=True)
    subprocess.run(
        ["mkfs.vfat", "-F", "32", "-n", "bootfs", "--offset", str(START), path, str(sectors // 2)],
        check=True,
        capture_output=True,
    )
    folder = fill(path.parent / f"{path.stem}-files", files)
    subprocess.run(
        ["mcopy", "-i", f"{path}@@{START * 512}", *sorted(folder.iterdir()), "::/"], check=True
    )
    return path


def extract(image: Path, to: Path) -> Path:
    """Copy everything on the boot partition to a folder."""
    to.mkdir()
    command = ["mcopy", "-s", "-i", f"{image}@@{START * 512}", "::/*", to]
    subprocess.run(command, check=True)
    return to


def tree(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder, by path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def check_filesystem(image: Path, megabytes: int = 48) -> None:
    """Let fsck look at the boot partition."""
    copy = image.with_suffix(".fat")
    with image.open("rb") as source:
        source.seek(START * 512)
        copy.write_bytes(source.read(megabytes << 20))
    subprocess.run(["fsck.vfat", "-n", copy], check=True, capture_output=True)
