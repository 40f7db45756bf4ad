"""Debian's kernel, cut down to what a listening Pi uses."""

import fnmatch
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from board.errors import BoardError
from board.image.programs import run_tool

DEVICE_TREES = (
    "bcm2837-rpi-zero-2-w.dtb",
    "bcm2837-rpi-3-a-plus.dtb",
    "bcm2837-rpi-3-b.dtb",
    "bcm2837-rpi-3-b-plus.dtb",
    "bcm2711-rpi-4-b.dtb",
    "bcm2711-rpi-400.dtb",
    "bcm2711-rpi-cm4-io.dtb",
)

START_MODULES = (
    "drivers/block/virtio_blk.ko",
    "drivers/char/hw_random/bcm2835-rng.ko",
    "drivers/mmc/core/*",
    "drivers/mmc/host/bcm2835.ko",
    "drivers/mmc/host/sdhci-iproc.ko",
    "drivers/regulator/fixed.ko",
    "drivers/regulator/gpio-regulator.ko",
    "drivers/virtio/*",
    "drivers/watchdog/bcm2835_wdt.ko",
    "crypto/crc32c_generic.ko",
    "fs/ext4/*",
    "fs/overlayfs/*",
    "fs/squashfs/*",
)
"""What finds the card and mounts it, the watchdog, and the source of random numbers."""

MODULES = (
    *START_MODULES,
    "crypto/*",
    "drivers/bcma/*",
    "drivers/char/hw_random/*",
    "drivers/cpufreq/*",
    "drivers/gpio/*",
    "drivers/i2c/busses/i2c-bcm2835.ko",
    "drivers/i2c/i2c-*",
    "drivers/leds/*",
    "drivers/net/ethernet/broadcom/genet/*",
    "drivers/net/mdio/*",
    "drivers/net/phy/*",
    "drivers/net/usb/*",
    "drivers/net/virtio_net.ko",
    "drivers/net/wireless/broadcom/brcm80211/*",
    "drivers/nvmem/*",
    "drivers/pci/*",
    "drivers/pwm/*",
    "drivers/reset/*",
    "drivers/spi/spi-bcm2835*",
    "drivers/thermal/broadcom/*",
    "drivers/usb/common/*",
    "drivers/usb/core/*",
    "drivers/usb/dwc2/*",
    "drivers/usb/host/*",
    "drivers/usb/phy/*",
    "fs/autofs/*",
    "fs/fat/*",
    "fs/nls/*",
    "net/ipv6/*",
    "net/packet/*",
    "net/rfkill/*",
    "net/unix/*",
    "net/wireless/*",
    "sound/core/*",
    "sound/drivers/*",
    "sound/soc/bcm/*",
    "sound/soc/codecs/*",
    "sound/soc/generic/*",
    "sound/soc/snd-soc-core.ko",
    "sound/usb/*",
)
"""What the running system may load: sound, network, pins, the card."""


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package."""

    folder: Path
    version: str

    @property
    def image(self) -> Path:
        return self.folder / "boot" / f"vmlinuz-{self.version}"

    @property
    def device_trees(self) -> tuple[Path, ...]:
        folder = self.folder / "usr" / "lib" / f"linux-image-{self.version}" / "broadcom"
        return tuple(folder / name for name in DEVICE_TREES)

    def copy_modules(self, patterns: Iterable[str], root: Path) -> None:
        """Copy the modules that match, and all that they need, to root's /lib/modules."""
        source = self.folder / "lib" / "modules" / self.version
        target = root / "lib" / "modules" / self.version
        target.mkdir(parents=True)
        for name in self._closure(patterns):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)
        for path in source.glob("modules.*"):
            if path.name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
                shutil.copyfile(path, target / path.name)
        run_tool("depmod", "-b", str(root), self.version)

    def _closure(self, patterns: Iterable[str]) -> Sequence[str]:
        needs = self._needs()
        wanted: set[str] = set()
        for pattern in patterns:
            found = fnmatch.filter(needs, f"kernel/{pattern}")
            if not found:
                raise BoardError(f"kernel {self.version} has no module {pattern}")
            for name in found:
                wanted.update((name, *needs[name]))
        return sorted(wanted)

    def _needs(self) -> dict[str, list[str]]:
        """Return what each module needs, directly or not, from depmod's list."""
        lines = (self.folder / "lib" / "modules" / self.version / "modules.dep").read_text()
        pairs = (line.split(":", 1) for line in lines.splitlines())
        return {name: rest.split() for name, rest in pairs}


def unpack_kernel(package: Path, folder: Path) -> Kernel:
    """Unpack a linux-image package, without configuring it."""
    run_tool("dpkg-deb", "--extract", str(package), str(folder))
    images = sorted((folder / "boot").glob("vmlinuz-*"))
    if len(images) != 1:
        raise BoardError(f"{package.name} has {len(images)} kernels instead of 1")
    kernel = Kernel(folder, images[0].name.removeprefix("vmlinuz-"))
    run_tool("depmod", "-b", str(folder), kernel.version)
    return kernel
