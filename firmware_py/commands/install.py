"""`trigger-word install`: put a model in place, or the one before it back."""

import argparse
import json
import logging
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.artefact import Artefact
    from firmware_py.installation.slot import Slot

SETTINGS = Path("/etc/trigger-word.toml")
SERVICE = "trigger-word.service"

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "install",
        help="put a model in place",
        description="Put a model in place in one step: its digest, structure and signature are"
        " checked, it is tried on silence and noise in a process of its own, and the one before"
        " it is kept. A power cut leaves either of them. The default model listens where the"
        " settings name no file; a running service takes it up.",
        epilog="examples: sudo trigger-word install kitchen.tflite; sudo trigger-word install"
        " computer; sudo trigger-word install --rollback",
    )
    add = parser.add_argument
    add("model", type=Path, nargs="?", metavar="MODEL", help="its file, name or URL")
    add("--rollback", action="store_true", help="go back to the model before; run twice to undo")
    add(
        "--name",
        default="default",
        metavar="NAME",
        help="install it beside the default model, for a [[model]] of the settings",
    )
    add(
        "--models",
        type=Path,
        metavar="DIR",
        help="where models lie (default: /var/lib/trigger-word/models)",
    )
    add(
        "--settings",
        type=Path,
        metavar="FILE",
        help=f"TOML file that may name keys (default: {SETTINGS}, if it is there)",
    )
    add(
        "--key",
        action="append",
        default=[],
        metavar="BASE64",
        help="public key that must have signed the model; may be repeated",
    )
    add("--no-reload", action="store_true", help="leave a running service with its model")
    add("--json", action="store_true", help="print what is in place now as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Install or roll back, tell what is in place, and let the service know."""
    from firmware_py.errors import SettingsError
    from firmware_py.installation.library import find_model
    from firmware_py.installation.slot import MODELS, Slot
    from firmware_py.installation.trial import check_content
    from firmware_py.logs import quieten_libraries
    from firmware_py.reading.model_file import read_model_file

    if bool(arguments.model) == arguments.rollback:
        raise SettingsError("name either a MODEL to install, or --rollback")
    slot = Slot(arguments.models or MODELS, arguments.name)
    quieten_libraries()
    trust = _trust(arguments)
    if arguments.rollback:
        artefact, changed = _roll_back(slot, trust), True
    else:
        path = find_model(arguments.model)
        content = read_model_file(path)
        artefact = check_content(content, path, *trust)
        changed = slot.put(content)
    _tell(slot, artefact, changed, arguments.json)
    if changed and slot.folder == MODELS and not arguments.no_reload:
        _reload_service()
    return 0


def _roll_back(slot: "Slot", trust: tuple[tuple[str, ...], int]) -> "Artefact":
    """Go back to the model before the current one, if that one is still sound; return it."""
    from firmware_py.artefact import DEFAULT_MODEL, read_artefact
    from firmware_py.errors import SettingsError
    from firmware_py.installation.slot import DEFAULT_NAME
    from firmware_py.installation.trial import check_content
    from firmware_py.reading.model_file import read_model_file

    if slot.previous.exists():
        artefact = check_content(read_model_file(slot.previous), slot.previous, *trust)
    elif slot.current.exists() and slot.name == DEFAULT_NAME:
        artefact = read_artefact(DEFAULT_MODEL)
    else:
        raise SettingsError(f"{slot.folder}: there is no earlier model {slot.name!r} to go back to")
    slot.roll_back()
    return artefact


def _trust(arguments: argparse.Namespace) -> tuple[tuple[str, ...], int]:
    """Return the keys of the command line and of the settings, and the least version."""
    from firmware_py.settings import read_settings

    path = arguments.settings or (SETTINGS if SETTINGS.exists() else None)
    signature = read_settings(path).signature if path else None
    if not signature:
        return tuple(arguments.key), 0
    return (*arguments.key, *signature.public_keys), signature.least_version


def _tell(slot: "Slot", artefact: "Artefact", changed: bool, as_json: bool) -> None:
    path = slot.current if slot.current.exists() else artefact.path
    metadata = artefact.metadata
    if as_json:
        facts = {
            "file": str(path),
            "name": metadata.name,
            "labels": metadata.labels,
            "sha256": metadata.sha256,
            "changed": changed,
        }
        print(json.dumps(facts))
        return
    state = "in place" if changed else "already in place"
    print(f"{metadata.name} ({', '.join(metadata.words)}) is {state}: {path}")


def _reload_service() -> None:
    """Let a running service take the model up; should that fail it goes on with the old one."""
    if not Path("/run/systemd/system").is_dir():
        return
    command = ["systemctl", "--no-ask-password", "try-reload-or-restart", SERVICE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        log.warning("the service still has its old model: %s", done.stderr.strip())
