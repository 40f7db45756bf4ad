"""`trigger-word run`: listen until stopped."""

import argparse
import json
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.live.loop import Live
    from firmware_py.live.serving import Serving
    from firmware_py.live.site_models import Site
    from firmware_py.outputs.event import Event


log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "run",
        help="listen to the microphone and answer",
        description="Listen until stopped. SIGHUP reads settings and models again.",
        epilog="example: trigger-word run --print-settings > site.toml;"
        " trigger-word run --settings site.toml",
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="TOML file (default: a chime, no other output)",
    )
    parser.add_argument(
        "--model", type=Path, metavar="M", help="artefact to use instead of those in the settings"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a detection")
    parser.add_argument(
        "--print-settings",
        action="store_true",
        help="print a commented settings file with the defaults",
    )
    parser.add_argument(
        "--debug", action="store_true", help="log more, and let the sound libraries talk"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listen; return the exit code, or leave the process where a library hangs."""
    if arguments.print_settings:
        from firmware_py.settings.text import default_settings_text

        print(default_settings_text(), end="")
        return 0
    spare_openssl()
    from firmware_py.logs import bound_logs, quieten_libraries
    from firmware_py.sound.microphone import DeviceHungError

    if arguments.debug:
        logging.getLogger().setLevel(logging.DEBUG)
    site = read_site(arguments)
    quieten_libraries()
    bound_logs()
    # One that comes while things open would end the process; it is remembered instead. Blocking it
    # would not do: threads of libraries are there already and would take it.
    early: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    live = _open(site, arguments)
    signal.signal(signal.SIGTERM, lambda *_: live.stop())
    signal.signal(signal.SIGINT, lambda *_: live.stop())
    signal.signal(signal.SIGHUP, lambda *_: live.reload())
    if early:
        live.reload()
    code = 0
    try:
        live.run()
    except DeviceHungError as error:
        log.error("%s; leaving so that the service manager starts us again", error)
        code = error.exit_code
    finally:
        hanging = live.close()
    if code or hanging:
        log.warning("left behind: %s", ", ".join(hanging) or "nothing")
        _leave(code)
    return code


def _open(site: "Site", arguments: argparse.Namespace) -> "Live | Serving":
    if site.settings.microphone.enabled:
        from firmware_py.live.loop import Live
        from firmware_py.monitor.watch_socket import socket_path
        from firmware_py.settings.state import StateFile, state_path
        from firmware_py.sound.portaudio import PortAudio

        tell = _print_json if arguments.json else _log
        path = state_path(site.settings.service.state_file, arguments.settings)
        live = Live(site, lambda: read_site(arguments), tell, PortAudio(), StateFile(path))
        live.control.let_watch(socket_path())
        return live
    from firmware_py.live.serving import Serving

    return Serving(site, lambda: read_site(arguments))


def read_site(arguments: argparse.Namespace) -> "Site":
    """Return the settings that the arguments name, with their models."""
    from firmware_py.live.site_models import Site, open_models
    from firmware_py.settings import ModelSettings, Settings, read_settings

    settings = read_settings(arguments.settings) if arguments.settings else Settings()
    if arguments.model:
        settings = replace(settings, model=(ModelSettings(path=str(arguments.model)),))
    return Site(settings, open_models(settings))


def spare_openssl() -> None:
    """Let hashlib, which numpy imports, do without OpenSSL: 4 MB for hashes that nobody asks for.

    TLS, where an output wants it, loads OpenSSL all the same.
    """
    sys.modules.setdefault("_hashlib", None)  # type: ignore[arg-type]


def _log(event: "Event") -> None:
    log.info("heard %r (score %.3f)", event.label, event.score)


def _print_json(event: "Event") -> None:
    print(json.dumps(event.payload()), flush=True)


def _leave(code: int) -> None:
    """End the process at once: a thread inside a hanging library would keep it for ever."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
