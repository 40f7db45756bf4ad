"""`trigger-word watch`: level, scores and detections in a terminal."""

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_py.commands.run import read_site, spare_openssl

if TYPE_CHECKING:
    from firmware_py.live.site_models import Site

LOWEST_DB = -80.0
BAR = 24


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "watch",
        help="level, scores and detections, live",
        description="Show what a running service hears. Where none runs, or with --settings or"
        " --model, listen without answering.",
        epilog="example: sudo trigger-word watch",
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="listen as these say")
    parser.add_argument("--model", metavar="M", help="listen with this model")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="of the service to watch")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show until stopped."""
    from firmware_py.monitor.watch_socket import socket_path, watch

    spare_openssl()
    path = arguments.socket or socket_path()
    alone = arguments.settings or arguments.model
    if arguments.socket or (not alone and path.exists()):
        screen = Screen()
        for message in watch(path):
            screen.show(message)
        screen.end("the service has ended")
        return 0
    return _listen(arguments)


class Screen:
    """The lines on a terminal: the last one is drawn over and over."""

    def __init__(self) -> None:
        self._redraws = sys.stdout.isatty()

    def show(self, message: dict[str, Any]) -> None:
        width = shutil.get_terminal_size().columns - 1
        if message["type"] == "sound" and self._redraws:
            print(f"\r\x1b[K{sound_line(message)[:width]}", end="", flush=True)
        elif message["type"] == "sound":
            print(sound_line(message), flush=True)
        elif message["type"] in ("detection", "entry"):
            for line in event_lines(message):
                print(f"\r\x1b[K{line}" if self._redraws else line, flush=True)

    def end(self, text: str) -> None:
        print(f"\n{text}" if self._redraws else text, file=sys.stderr)


def sound_line(message: dict[str, Any]) -> str:
    """Return level and scores of a piece of sound in one line."""
    level = message["level"]
    clipping = " CLIPPING" if message["peak"] > -0.1 else ""
    parts = [f"{level_bar(1.0 - level / LOWEST_DB)} {level:6.1f} dB{clipping}"]
    parts += [
        f"{each['label']} {level_bar(each['score'], each['threshold'])} {each['score']:.2f}"
        for each in message["scores"]
    ]
    return "  ".join(parts)


def event_lines(message: dict[str, Any]) -> Iterator[str]:
    """Yield what there is to say of a detection or a close miss."""
    if message["type"] == "detection":
        yield f"heard {message['label']!r} (score {message['score']:.3f})"
    elif message["entry"]["kind"] == "close-miss":
        entry = message["entry"]
        yield (
            f"nearly heard {entry['label']!r} (score {entry['score']:.3f}, threshold"
            f" {entry['threshold']:.3f})"
        )


def level_bar(share: float, limit: float | None = None) -> str:
    """Return a bar of which a share is full, with a mark at `limit`."""
    full = round(BAR * min(1.0, max(0.0, share)))
    cells = ["#"] * full + ["."] * (BAR - full)
    if limit is not None:
        cells[min(BAR - 1, int(BAR * limit))] = "|"
    return f"[{''.join(cells)}]"


def _listen(arguments: argparse.Namespace) -> int:
    from firmware_py.live.loop import Live
    from firmware_py.logs import quieten_libraries
    from firmware_py.sound.portaudio import PortAudio

    site = _without_outputs(read_site(arguments))
    quieten_libraries()
    live = Live(site, lambda: site, lambda _: None, PortAudio())
    screen = Screen()
    gone: list[BrokenPipeError] = []

    def show(message: dict[str, Any]) -> None:
        try:
            screen.show(message)
        except BrokenPipeError as error:  # the reader of our output has gone, as `head` does
            gone.append(error)
            live.stop()

    live.control.broadcast.add(show)
    signal.signal(signal.SIGTERM, lambda *_: live.stop())
    signal.signal(signal.SIGINT, lambda *_: live.stop())
    try:
        live.run()
    finally:
        live.close()
    if gone:
        raise gone[0]
    return 0


def _without_outputs(site: "Site") -> "Site":
    settings = site.settings
    quiet = replace(
        settings,
        chime=replace(settings.chime, sound="off", labels=()),
        gpio=(),
        command=(),
        webhook=(),
        mqtt=None,
        wyoming=None,
        clips=None,
        web=None,
        service=replace(settings.service, metrics_port=0),
    )
    return replace(site, settings=quiet)
