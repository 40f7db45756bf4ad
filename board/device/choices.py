"""Options that `prepare` and `provision` share: hardware, settings, where packages come from."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from board.bundle import Bundle, Release
    from board.device.kit import Kit
    from board.profiles import AudioHardware


def add_kit_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--audio",
        action="append",
        default=[],
        metavar="NAME",
        help="audio hardware, as `python -m board profiles` names it; may be repeated",
    )
    add("--settings", type=Path, metavar="FILE", help="the site's settings, TOML")
    add_bundle_options(parser)


def add_bundle_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--bundle",
        type=Path,
        metavar="DIR",
        help="folder that `python -m board bundle` made (default: it is made now)",
    )
    add("--package", type=Path, metavar="DEB", help="for the bundle (default: built from here)")


def chosen_kit(
    arguments: argparse.Namespace, release: "Release", settings: Path | None = None
) -> "Kit":
    """Return what the options name, with a device's own settings if it has any."""
    from board.device.kit import Kit

    audio = chosen_audio(arguments.audio)
    bundle = chosen_bundle(arguments.bundle, arguments.package, release)
    return Kit(bundle, audio, settings or arguments.settings)


def chosen_audio(names: list[str]) -> "AudioHardware | None":
    """Return the named audio hardware, as one."""
    from board.profiles import combine, read_audio_hardware
    from board.profiles.tables import named

    known = read_audio_hardware()
    chosen = [named(known, name, "audio hardware") for name in names]
    if len(chosen) > 1:
        return combine(chosen)
    return chosen[0] if chosen else None


def chosen_bundle(folder: Path | None, package: Path | None, release: "Release") -> "Bundle":
    """Return the bundle in `folder` (or in its subfolder for the release), or a new one."""
    from board.bundle import build_bundle, read_bundle
    from board.bundle.building import archive_cache
    from board.bundle.own_package import own_package

    if folder is None:
        place = archive_cache().parent / "bundles" / release
        return build_bundle(own_package(package), release, place)
    return read_bundle(folder / release if (folder / release).is_dir() else folder)
