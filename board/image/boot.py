"""What the Pi's own firmware reads: itself, its settings, the kernel and its RAM disk."""

from pathlib import Path

from board.image.initramfs import write_initramfs
from board.image.kernel import Kernel
from board.image.packages import Packages
from board.image.partitions import DISK_ID
from board.image.programs import run_tool

FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
CONFIG = Path(__file__).with_name("config.txt")
KERNEL = "vmlinuz"
INITRAMFS = "initrd"

COMMAND_LINE = (
    f"console=tty0 console=ttyS1,115200 root=PARTUUID={DISK_ID}-02 net.ifnames=0 panic=10 quiet\n"
)


def boot_files(packages: Packages, kernel: Kernel, folder: Path, epoch: int) -> dict[str, Path]:
    """Return the files of the boot partition, name there -> file; new ones are put in `folder`."""
    folder.mkdir()
    run_tool("dpkg-deb", "--extract", packages.file("raspi-firmware"), folder / "raspi-firmware")
    write_initramfs(folder / INITRAMFS, kernel, packages.file("busybox-static"), epoch)
    (folder / "cmdline.txt").write_text(COMMAND_LINE)
    blobs = folder / "raspi-firmware" / "usr" / "lib" / "raspi-firmware"
    return {
        "cmdline.txt": folder / "cmdline.txt",
        "config.txt": CONFIG,
        KERNEL: kernel.image,
        INITRAMFS: folder / INITRAMFS,
        **{name: blobs / name for name in FIRMWARE},
        **{tree.name: tree for tree in kernel.device_trees},
    }
