"""`python -m board image`: a complete, bootable image for Zero 2 W, 3 and 4."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from board.cache import cache_folder


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "image",
        help="build a bootable image for Zero 2 W, 3 and 4",
        description="Build a complete Debian image with trigger-word: read-only, with a partition"
        " for what the device may change. The same inputs make the same bytes. For the Pi 5 and for"
        " HATs use `prepare` with stock Raspberry Pi OS.",
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("out"), metavar="DIR", help="default: out")
    add("--package", type=Path, metavar="DEB", help="trigger-word; default: built from this source")
    add("--settings", type=Path, metavar="FILE", help="the site's settings (TOML)")
    add("--hostname", default="", metavar="NAME", help="default: trigger-word")
    add(
        "--ssh-key",
        type=Path,
        metavar="FILE",
        help="public key: switches on the network, and SSH for root with this key",
    )
    add(
        "--wifi-file",
        type=Path,
        metavar="FILE",
        help="wpa_supplicant.conf: switches on the network and Wi-Fi",
    )
    add("--cache", type=Path, metavar="DIR", help="default: the user's cache folder")
    add(
        "--mirror",
        action="append",
        default=[],
        metavar="URI",
        help="instead of Debian's usual mirrors, such as a snapshot with old versions",
    )
    add(
        "--relock",
        action="store_true",
        help="first lock the versions that Debian has today, in the source",
    )
    add("--json", action="store_true", help="print files, size and digest as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build it and print where it is."""
    from board.bundle.own_package import own_package
    from board.image.build import build_image
    from board.image.packages import relock
    from board.image.site import SiteOptions

    cache = (arguments.cache or cache_folder("image")).resolve()
    mirrors = tuple(arguments.mirror)
    if arguments.relock:
        relock(cache, mirrors)
    site = SiteOptions(
        arguments.hostname, arguments.settings, arguments.ssh_key, arguments.wifi_file
    )
    own = own_package(arguments.package).resolve()
    image = build_image(arguments.out.resolve(), own, site, cache, mirrors)
    if arguments.json:
        print(json.dumps(asdict(image), default=str))
    else:
        print(image.file)
    return 0
