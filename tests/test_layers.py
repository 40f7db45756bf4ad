"""Who may import whom: one table for all folders; no cycles; no folder grows into a hallway; one
name means one thing."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSES = ("firmware_py", "models", "convert", "board")


def levels(house: str, *rows: str) -> dict[str, str]:
    """Return the places of a house, the lowest row first; a place may import its own row's and
    those below."""
    allowed: dict[str, str] = {}
    below = ""
    for row in rows:
        places = [f"{house}/{name}" for name in row.split()]
        below = " ".join([below, *places]).strip()
        allowed |= dict.fromkeys(places, below)
    return allowed


MAY_IMPORT = {
    **levels(
        "firmware_py",
        "errors labels",
        "reading",
        "console schema flatbuffer_check level front_end policies"
        " sound_files audio chime durable_file",
        "artefact settings",
        "interpreter",
        "streaming detector ensemble",
        "replay sound board_state logs installation",
        "outputs wake_service monitor",
        "web",
        "live",
        "bench commands __main__ __init__",
    ),
    "models/replacing": "",
    "models/errors": "firmware_py",
    "models/progress": "",
    "models/settings": "firmware_py",
    "models/recordings": "firmware_py models/settings",
    "models/voices": "firmware_py models/progress models/replacing models/recordings",
    "models/evaluation": "firmware_py models/errors models/replacing models/settings"
    " models/recordings",
    "models/clips": "firmware_py models/settings models/recordings",
    "models/phrases": "firmware_py models/voices",
    "models/speech_embedding": "firmware_py models/settings models/recordings",
    "models/training": "firmware_py models/progress models/replacing models/settings"
    " models/recordings models/clips models/speech_embedding",
    "models/words": "firmware_py models/settings models/recordings models/clips models/evaluation"
    " models/training",
    "models/commands": "firmware_py models/progress models/replacing models/settings"
    " models/recordings models/voices models/evaluation models/clips models/phrases"
    " models/training models/words",
    "models/own_word": "firmware_py convert models",
    "models/__main__": "firmware_py models",
    "convert/replay": "firmware_py",
    "convert": "firmware_py models/settings models/training",
    "board": "firmware_py",
    "board/benchmarks": "firmware_py convert",
}
"""The places of the houses and what each may import: `a/b` is the module or the folder b of a.
An import within a place is its own affair (but for cycles, below)."""

MOST_MODULES = 14
CROWDED = {"firmware_py/outputs": 16}
"""Folders with more modules than that."""

SHARED_NAMES = {
    "add_parser": "each command has one",
    "run": "each command has one; `board.programs` runs programs",
    "build_parser": "each command line has one",
    "main": "each program has one",
    "require": "raises its own folder's error unless a condition holds",
}
"""Classes and functions of one name in several modules, and why."""

CIRCLES: set[str] = set()
"""Folders that still have one."""

LIBRARIES = {
    "pyaudio": {"sound/portaudio.py"},
    "gpiod": {"outputs/gpio.py"},
    "paho": {"outputs/broker.py", "outputs/broker_client.py"},
    "wyoming": {f"wake_service/{name}.py" for name in ("client", "messages", "service", "words")},
    "aiohttp": {
        f"web/{name}.py" for name in ("assets", "connections", "guard", "routes", "server")
    },
    "nacl": {"installation/signature.py"},
    "zeroconf": {"wake_service/announcement.py"},
}
"""Libraries of devices, outputs and services, and the only files of firmware_py with them."""


def files(house: str) -> list[Path]:
    return sorted((ROOT / house).rglob("*.py"))


@cache
def imports(file: Path) -> tuple[str, ...]:
    """Return the names that a file imports, inside functions too: `module.name`."""
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def module_of(name: str) -> Path | None:
    """Return the file of ours that an imported name means, without its suffix; None: not ours."""
    path = Path(*name.split("."))
    if path.parts[0] not in HOUSES:
        return None
    if (ROOT / path / "__init__.py").exists():
        return path / "__init__"
    return path if (ROOT / path).with_suffix(".py").exists() else module_of(name.rpartition(".")[0])


def place_of(module: Path) -> str:
    """Return the place in the table that a module belongs to."""
    for path in (module, *module.parents):
        if path.as_posix() in MAY_IMPORT:
            return path.as_posix()
    raise AssertionError(f"{module} has no place: name it in MAY_IMPORT and in the folder's README")


def allowed(place: str, imported: Path) -> bool:
    below = MAY_IMPORT[place].split()
    return any(path.as_posix() in (place, *below) for path in (imported, *imported.parents))


@pytest.mark.parametrize("house", HOUSES)
def test_imports_go_where_the_table_says(house):
    against = []
    for file in files(house):
        module = file.relative_to(ROOT).with_suffix("")
        for name in imports(file):
            imported = module_of(name)
            if imported and not allowed(place_of(module), imported):
                against.append(f"{file.relative_to(ROOT)} imports {name}")
    assert not against


def folders() -> list[str]:
    """Return every folder with modules, as a path from the root."""
    found = {file.parent.relative_to(ROOT).as_posix() for house in HOUSES for file in files(house)}
    return sorted(found)


def circle_in(graph: dict[str, set[str]]) -> str:
    """Return a circle of the graph in words; empty: it has none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " <- ".join(error.args[1])
    return ""


@pytest.mark.parametrize("folder", folders())
def test_no_modules_or_folders_side_by_side_import_each_other_in_a_circle(folder):
    graph: dict[str, set[str]] = {}
    for file in files(folder):
        part = file.relative_to(ROOT / folder).with_suffix("").parts[0]
        for name in imports(file):
            imported = module_of(name)
            if imported and imported.is_relative_to(folder):
                graph.setdefault(part, set()).add(imported.relative_to(folder).parts[0])
        graph.get(part, set()).discard(part)
    assert circle_in(graph) == "" or folder in CIRCLES


@pytest.mark.parametrize("folder", folders())
def test_a_folder_can_be_taken_in_at_a_glance(folder):
    modules = [file for file in (ROOT / folder).glob("*.py") if not file.stem.startswith("__")]
    assert len(modules) <= CROWDED.get(folder, MOST_MODULES)


def test_each_library_is_imported_in_one_file():
    found: dict[str, set[str]] = {library: set() for library in LIBRARIES}
    for file in files("firmware_py"):
        for name in imports(file):
            library = name.partition(".")[0]
            if library in LIBRARIES:
                found[library].add(file.relative_to(ROOT / "firmware_py").as_posix())
    assert found == LIBRARIES


def named_in(house: str) -> Iterator[tuple[str, str]]:
    """Yield the public classes and functions of a house, each with its file."""
    for file in files(house):
        if "workloads" in file.parts:  # programs of their own, which nothing imports
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                yield node.name, file.relative_to(ROOT).as_posix()


def test_a_name_means_one_thing():
    named: dict[str, list[str]] = {}
    for house in HOUSES:
        for name, file in named_in(house):
            named.setdefault(name, []).append(file)
    several = {name: where for name, where in named.items() if len(where) > 1}
    assert several.keys() == SHARED_NAMES.keys(), several
