"""`python -m board prepare`: a card that installs trigger-word at its first boot."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from board.bundle.releases import RELEASES
from board.device.choices import add_kit_options, chosen_kit

if TYPE_CHECKING:
    from board.prepare.boot_partition import BootPartition
    from board.prepare.owner import Owner, Wifi

EPILOG = """\
examples:
  python -m board prepare /media/me/bootfs --hostname kitchen --ssh-key ~/.ssh/id_ed25519.pub \\
      --wifi "My network" --country GB --audio respeaker-2-mic-v1
  python -m board prepare raspios-lite.img --hostname kitchen --password-file - < password

A password is typed, or read from the first line of a file; `-` is standard input."""


log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "prepare",
        help="make a card with stock Raspberry Pi OS install trigger-word at first boot",
        description="Write onto the boot partition of a card with stock Raspberry Pi OS Lite"
        " (64-bit, Bookworm or Trixie): who logs in, its network, its audio hardware, and all"
        " that the first boot installs, which needs no network. Run it again to change what the"
        " card says.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # or --password would be read as --password-file
    )
    add = parser.add_argument
    add("card", type=Path, help="the mounted boot partition (bootfs), or an image file")
    add("--hostname", required=True, metavar="NAME")
    add("--user", default="pi", metavar="NAME", help="who logs in (default: pi)")
    add("--password-file", type=Path, metavar="FILE", help="its first line is the password")
    add("--ask-password", action="store_true", help="type the password")
    add(
        "--ssh-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="public key that may log in; SSH stays off without one",
    )
    add("--ssh-password", action="store_true", help="let the password log in over SSH too")
    add("--wifi", metavar="SSID", help="wireless network; its pass phrase is typed unless given")
    add("--wifi-password-file", type=Path, metavar="FILE", help="its first line is the pass phrase")
    add("--wifi-open", action="store_true", help="the network has no pass phrase")
    add("--wifi-hidden", action="store_true", help="the network does not show its name")
    add(
        "--wifi-wpa3",
        action="store_true",
        help="the network speaks WPA3 only: the pass phrase itself is stored",
    )
    add("--country", default="", metavar="XX", help="of the radio, such as GB")
    add("--locale", default="", metavar="L", help="such as en_GB.UTF-8")
    add("--timezone", default="", metavar="Z", help="such as Europe/London")
    add("--keymap", default="", metavar="K", help="such as gb")
    add_kit_options(parser)
    add("--release", choices=RELEASES, help="of the system (default: as the card tells)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare the card; all that can be wrong is found before it is touched."""
    from board.prepare.open_card import open_card
    from board.prepare.preparing import prepare_card
    from board.prepare.release import detect_release

    card = open_card(arguments.card)
    release = arguments.release or detect_release(card)
    log.info("%s holds Raspberry Pi OS %s", card, release.capitalize())
    owner = _owner(arguments, card)
    prepare_card(card, release, owner, chosen_kit(arguments, release))
    return 0


def _owner(arguments: argparse.Namespace, card: "BootPartition") -> "Owner":
    from board.prepare.earlier import earlier_hash
    from board.prepare.owner import Owner, read_keys
    from board.prepare.passwords import hash_unless_same, read_secret

    hashed = ""
    if arguments.ask_password or arguments.password_file:
        password = read_secret(arguments.password_file, f"password of {arguments.user}")
        hashed = hash_unless_same(password, earlier_hash(card, arguments.user))
    return Owner(
        hostname=arguments.hostname,
        user=arguments.user,
        password_hash=hashed,
        ssh_keys=tuple(key for path in arguments.ssh_key for key in read_keys(path)),
        ssh_password=arguments.ssh_password,
        wifi=_wifi(arguments),
        country=arguments.country,
        locale=arguments.locale,
        timezone=arguments.timezone,
        keymap=arguments.keymap,
    )


def _wifi(arguments: argparse.Namespace) -> "Wifi | None":
    from board.prepare.owner import Wifi, wifi_key
    from board.prepare.passwords import read_secret

    if not arguments.wifi:
        return None
    key = ""
    if not arguments.wifi_open:
        phrase = read_secret(arguments.wifi_password_file, f"pass phrase of {arguments.wifi}")
        key = wifi_key(arguments.wifi, phrase, arguments.wifi_wpa3)
    return Wifi(arguments.wifi, key, arguments.wifi_hidden)
