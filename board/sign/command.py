"""`python -m board sign`: make keys, sign models."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "sign",
        help="sign models, make keys",
        description="Sign models, in place. A device whose settings name the public key installs"
        " and uses no others.",
        epilog="example: python -m board sign --new-key fleet.key;"
        " python -m board sign kitchen.tflite --key fleet.key",
    )
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="artefacts")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--key", type=Path, metavar="FILE", help="private key")
    which.add_argument(
        "--new-key", type=Path, metavar="FILE", help="make a private key, readable by you only"
    )
    parser.add_argument(
        "--version",
        type=int,
        metavar="N",
        help="number the models; a device with a least_version uses no lower ones",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make a key or read one, sign with it, and print the public key for the settings."""
    from board.sign import signing

    if arguments.new_key:
        key = signing.make_key(arguments.new_key)
    else:
        key = signing.read_key(arguments.key)
    for path in arguments.models:
        content = signing.signed(path.read_bytes(), path, key, arguments.version)
        staged = path.with_name(f".{path.name}.signed")
        staged.write_bytes(content)
        staged.replace(path)
    print(f'[signature]\npublic_keys = ["{signing.public_key(key)}"]')
    return 0
