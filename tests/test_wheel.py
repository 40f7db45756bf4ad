"""What reaches the device: the wheel's content and the modules it can import."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

BLOCKED = ("tensorflow", "keras", "models", "convert", "board")

IMPORT_ALL = f"""
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ImportError(name + " is not on the device")

sys.meta_path.insert(0, Blocker())
import firmware_py
for module in pkgutil.walk_packages(firmware_py.__path__, "firmware_py."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_no_module_of_the_device_needs_the_workstation():
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False, timeout=600
    )
    assert result.returncode == 0, result.stderr
    assert "firmware_py.detector" in result.stdout.split()


def test_the_wheel_holds_the_device_package_and_the_default_artefact_only(tmp_path):
    pytest.importorskip("build")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=1000)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"firmware_py"}
    models = [name for name in names if name.endswith(".tflite")]
    assert models == ["firmware_py/data/activate.tflite"]
    sources = {name for name in names if name.endswith(".py")}
    here = (path.relative_to(ROOT) for path in (ROOT / "firmware_py").rglob("*.py"))
    assert sources == {path.as_posix() for path in here}
    assert wheel.stat().st_size < 3_000_000


@pytest.mark.slow
def test_a_device_install_is_small_detects_and_brings_no_tensorflow(tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(site), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=1000)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 100_000_000
    installed = {path.name.partition("-")[0] for path in site.glob("*.dist-info")}
    assert not installed & {"tensorflow", "keras", "pyaudio", "scipy"}
    detect = "from firmware_py.__main__ import main; raise SystemExit(main())"
    audio = site / "firmware_py" / "data" / "activate.flac"
    result = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(site)!r}); " + detect,
            "detect",
            str(audio),
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 3
