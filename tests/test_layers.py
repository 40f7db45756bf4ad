"""A module of the device imports only from the levels below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import firmware_py

ROOT = Path(firmware_py.__file__).parent

LEVELS = (
    {"errors"},
    {
        "schema",
        "flatbuffer_check",
        "mel",
        "level",
        "front_end",
        "trigger",
        "candidates",
        "command_words",
        "audio",
        "chime",
    },
    {"artefact", "settings"},
    {"interpreter"},
    {"frame_source", "second_stage", "frame_detector", "detector", "ensemble"},
    {"replay", "sound", "board_state", "logs", "installation"},
    {"outputs", "wake_service"},
    {"live"},
    {"bench", "commands", "__main__"},
)
"""The lowest first; `firmware_py` itself only hands the public names on."""

EXTERNAL = {
    "pyaudio": {"sound/portaudio.py"},
    "gpiod": {"outputs/gpio.py"},
    "paho": {"outputs/broker.py", "outputs/broker_client.py"},
    "wyoming": {f"wake_service/{name}.py" for name in ("client", "messages", "service", "words")},
    "nacl": {"installation/signature.py"},
    "zeroconf": {"wake_service/announcement.py"},
}
"""Libraries of devices, outputs and services, and the only files that may import them."""


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module in ("firmware_py", "firmware_py.bench", "firmware_py.commands"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def level(part: str) -> int:
    found = [number for number, parts in enumerate(LEVELS) if part in parts]
    assert found, f"{part} has no level: name it in LEVELS and in firmware_py/README.md"
    return found[0]


def test_imports_go_downwards() -> None:
    upwards = []
    for path in ROOT.rglob("*.py"):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for name in imports(path):
            package, _, rest = name.partition(".")
            imported = rest.partition(".")[0]
            if part == "__init__" or package != "firmware_py" or imported in ("", part):
                continue
            if not (ROOT / imported).is_dir() and not (ROOT / f"{imported}.py").exists():
                continue
            if level(imported) > level(part):
                upwards.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not upwards


def test_each_library_is_imported_in_one_file() -> None:
    found: dict[str, set[str]] = {library: set() for library in EXTERNAL}
    for path in ROOT.rglob("*.py"):
        for name in imports(path):
            if name.partition(".")[0] in EXTERNAL:
                found[name.partition(".")[0]].add(path.relative_to(ROOT).as_posix())
    assert found == EXTERNAL
