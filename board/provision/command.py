"""`python -m board provision`: trigger-word on a running Pi, or many, over SSH."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from board.device.choices import add_kit_options

if TYPE_CHECKING:
    from board.provision.outcome import ProvisionOutcome
    from board.provision.remote import Target

EPILOG = """\
exit codes: 0 as asked, 1 a device works but not as asked (rolled back, not ready), 2 bad input or
a device that cannot be reached; of many devices the worst

examples:
  python -m board provision pi@kitchen.local --dry-run
  python -m board provision --many hosts.txt --audio usb-microphone --json"""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "provision",
        help="install or upgrade a running Pi over SSH",
        description="Install trigger-word on a running Pi over SSH, or upgrade it. What is already"
        " as asked is left alone, and so are its settings unless you give others. If the service"
        " is not ready in time, the previous version and settings are restored.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # or --password would be read as --password-file
    )
    add = parser.add_argument
    add("target", nargs="?", metavar="USER@HOST")
    add("--many", type=Path, metavar="FILE", help="hosts, one a line: user@host [SETTINGS.toml]")
    add("--parallel", type=int, default=8, metavar="N", help="hosts at once (default: 8)")
    add("--dry-run", action="store_true", help="say what would be done")
    add("--port", type=int, metavar="N", help="of SSH")
    add("--identity", type=Path, metavar="FILE", help="key for SSH")
    add("--ask-password", action="store_true", help="type a password for SSH and sudo")
    add("--password-file", type=Path, metavar="FILE", help="its first line is that password")
    add(
        "--ready-seconds",
        type=int,
        default=90,
        metavar="S",
        help="how long the service may take until it listens (default: 90)",
    )
    add("--restart", action="store_true", help="restart the Pi if its audio hardware needs it")
    add_kit_options(parser)
    add("--json", action="store_true", help="one JSON object a host")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Provision the hosts; print what became of each."""
    from board.device.choices import chosen_kit
    from board.prepare.passwords import read_secret
    from board.provision.fleet import provision_all
    from board.provision.provisioning import Options

    targets = _targets(arguments)
    password = ""
    if arguments.ask_password or arguments.password_file:
        password = read_secret(arguments.password_file, "password of the devices", twice=False)
    options = Options(
        dry_run=arguments.dry_run,
        password=password,
        identity=arguments.identity,
        ready_seconds=max(1, arguments.ready_seconds),
        restart=arguments.restart,
    )
    outcomes = []
    for outcome in provision_all(
        targets,
        lambda release, settings: chosen_kit(arguments, release, settings),
        options,
        max(1, arguments.parallel),
    ):
        outcomes.append(outcome)
        _print(outcome, arguments.json, max(len(target.address) for target in targets))
    return max(outcome.exit_code for outcome in outcomes)


def _targets(arguments: argparse.Namespace) -> "list[Target]":
    from board.errors import BoardError
    from board.provision.fleet import read_hosts
    from board.provision.remote import Target

    if bool(arguments.target) == bool(arguments.many):
        raise BoardError("name one device as user@host, or a file of them with --many")
    if arguments.many:
        return read_hosts(arguments.many)
    return [Target(arguments.target, arguments.port)]


def _print(outcome: "ProvisionOutcome", as_json: bool, width: int) -> None:
    from firmware_py.schema import to_mapping

    if as_json:
        print(json.dumps(to_mapping(outcome)), flush=True)
        return
    versions = " -> ".join(dict.fromkeys([outcome.before or "none", outcome.after or "none"]))
    print(f"{outcome.target:<{width}}  {outcome.state:<11}  {versions}  {outcome.message}".rstrip())
    if outcome.state == "planned":
        for step in outcome.steps:
            print(f"  {step}")
