"""A Linux guest with a true ALSA card: snd-aloop under QEMU, on this machine's own files.

The guest sees the root file system read-only under an overlay and shares one folder with us. The
kernel is an unpacked Debian package (`apt-get download linux-image-6.1.0-50-amd64 && dpkg -x`),
because the modules that are needed come with it.
"""

import gzip
import io
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "snd-aloop")
MEMORY_MB = 1500
NO_MAPPING = "security_model=none"

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /host /upper /root /out
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
/bin/busybox insmod /modules/snd-aloop.ko pcm_substreams=2
options=trans=virtio,version=9p2000.L,msize=262144
/bin/busybox mount -t 9p -o $options,ro,cache=loose host /host
/bin/busybox mount -t tmpfs tmpfs /upper
/bin/busybox mkdir /upper/changes /upper/work
/bin/busybox mount -t overlay -o lowerdir=/host,upperdir=/upper/changes,workdir=/upper/work \\
    overlay /root
for folder in proc sys dev; do /bin/busybox mount -o bind /$folder /root/$folder; done
/bin/busybox mkdir -p /root{out}
/bin/busybox mount -t 9p -o $options out /root{out}
/bin/busybox ip link set lo up
/bin/busybox chroot /root /bin/bash {out}/script > /root{out}/log 2>&1
echo $? > /root{out}/code
/bin/busybox sync
/bin/busybox reboot -f
"""


def run_in_guest(kernel: Path, out: Path, script: str, timeout_seconds: float) -> str:
    """Run a bash script in the guest with `out` shared under the same name; return its log.

    kernel: a folder with boot/vmlinuz-VERSION and lib/modules/VERSION.
    Raises RuntimeError when the script fails or the guest does not come to its end.
    """
    (image,) = (kernel / "boot").glob("vmlinuz-*")
    version = image.name.partition("-")[2]
    (out / "script").write_text(script)
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "initrd.gz"
        initrd.write_bytes(gzip.compress(_initrd(kernel, version, out), 1))
        command = [
            "qemu-system-x86_64",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "max",
            "-M",
            "q35",
            "-m",
            str(MEMORY_MB),
            "-smp",
            "2",
            "-nographic",
            "-nic",
            "none",
            "-no-reboot",
            "-kernel",
            str(image),
            "-initrd",
            str(initrd),
            "-append",
            "console=ttyS0 loglevel=3 panic=-1",
            "-virtfs",
            f"local,path=/,mount_tag=host,{NO_MAPPING},readonly=on,multidevs=remap",
            "-virtfs",
            f"local,path={out},mount_tag=out,{NO_MAPPING}",
        ]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    log = (out / "log").read_text() if (out / "log").exists() else done.stdout.decode()[-4000:]
    code = (out / "code").read_text().strip() if (out / "code").exists() else "none"
    if code != "0":
        raise RuntimeError(f"the guest's script ended with {code}:\n{log}")
    return log


def _initrd(kernel: Path, version: str, out: Path) -> bytes:
    """Return a cpio archive with busybox, the modules in order, and init."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "bin").mkdir()
        (root / "modules").mkdir()
        shutil.copy("/usr/bin/busybox", root / "bin")
        modules = _modules(kernel, version)
        for module in modules:
            shutil.copy(module, root / "modules")
        names = [module.name for module in modules if module.name != "snd-aloop.ko"]
        (root / "init").write_text(INIT.format(modules=" ".join(names), out=out))
        (root / "init").chmod(0o755)
        files = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        archive = subprocess.run(
            ["busybox", "cpio", "-o", "-H", "newc"],
            cwd=root,
            input=files.encode(),
            capture_output=True,
            check=True,
        )
        return io.BytesIO(archive.stdout).getvalue()


def _modules(kernel: Path, version: str) -> list[Path]:
    """Return the modules and what they need, in the order in which they load."""
    with tempfile.TemporaryDirectory() as name:
        # depmod writes beside the modules, which may not be ours.
        view = Path(name) / "lib" / "modules"
        view.mkdir(parents=True)
        shutil.copytree(
            kernel / "lib" / "modules" / version,
            view / version,
            symlinks=True,
            copy_function=os.link,
        )
        subprocess.run(["depmod", "-b", name, version], check=True, capture_output=True)
        found: dict[str, None] = {}
        for module in MODULES:
            shown = subprocess.run(
                ["modprobe", "-d", name, "-S", version, "--show-depends", module],
                check=True,
                capture_output=True,
                text=True,
            )
            for path in re.findall(r"^insmod (\S+)", shown.stdout, re.MULTILINE):
                found[str(kernel / Path(path).relative_to(name))] = None
        return [Path(path) for path in found]
