"""`python -m board sbom`: software bills of materials in CycloneDX."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "sbom",
        help="software bills of materials (CycloneDX) of package and image",
        description="Write software bills of materials as CycloneDX JSON: the Python packages that"
        " the Debian package carries, for each Python, and the Debian packages of the image. They"
        " tell what the locks pin; the same locks give the same bytes.",
        epilog="example: python -m board sbom --out out",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the bills and print where they are."""
    from board.sbom.bills import write_bills

    for path in write_bills(arguments.out):
        print(path)
    return 0
