"""`python -m models people-bench`: words learnt from text alone, judged on people."""

import argparse
import json
import logging
import re
from pathlib import Path
from typing import Any

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.commands import executors
from models.evaluation.people_bench import Judged, judge
from models.evaluation.report.people_bench import markdown, trade_offs
from models.replacing import replacing

ROWS = "rows.json"

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "people-bench",
        description="Try a network of several words, learnt from text alone, on recordings of"
        " people who say them: missed in a room, in noise and after digital silence, at several"
        " rates of false accepts. Adds a row to the table in --out.",
        epilog="example: python -m models people-bench six.tflite --row baseline"
        " --people alexa=people/alexa computer=people/computer --negatives speech"
        " --noise noise --out models/bench",
    )
    parser.add_argument("artefact", type=Path, metavar="ARTEFACT")
    parser.add_argument("--row", required=True, metavar="NAME", help="recipe and seed, in words")
    parser.add_argument(
        "--people",
        nargs="+",
        required=True,
        metavar="LABEL=DIR",
        help="recordings of people saying a label; may name a label more than once",
    )
    parser.add_argument(
        "--confirm",
        nargs="+",
        default=[],
        metavar="LABEL",
        help="labels that choose nothing: all their recordings confirm",
    )
    parser.add_argument("--negatives", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--noise", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="holds the table")
    executors.add_arguments(parser, "run recordings")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge the network; write the table, its rows and the curves into the folder."""
    artefact = read_artefact(arguments.artefact)
    people = read_people(arguments.people, artefact.metadata.labels)
    unknown = set(arguments.confirm) - set(people)
    if unknown:
        raise SettingsError(f"--confirm names {', '.join(sorted(unknown))}, which --people lacks")
    rows = read_rows(arguments.out / ROWS)
    with executors.open_executor(arguments.workers, arguments.dask) as executor:
        judged = judge(
            artefact,
            people,
            arguments.negatives,
            arguments.noise,
            confirming=arguments.confirm,
            executor=executor,
        )
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows[arguments.row] = judged.as_rows()
    _write(arguments.out, arguments.row, judged, rows)
    print(markdown({arguments.row: rows[arguments.row]}))
    return 0


def read_people(pairs: list[str], labels: tuple[str, ...]) -> dict[str, list[Path]]:
    """Return folders by label from LABEL=DIR; raises SettingsError naming what is wrong."""
    people: dict[str, list[Path]] = {}
    for pair in pairs:
        label, equals, folder = pair.partition("=")
        if not equals:
            raise SettingsError(f"--people {pair!r}: write LABEL=DIR, such as alexa=people/alexa")
        if label not in labels:
            raise SettingsError(f"--people {pair!r}: the network has {', '.join(labels)}")
        people.setdefault(label, []).append(Path(folder))
    return people


def read_rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows so far by their names; raises SettingsError for a damaged file."""
    if not path.exists():
        return {}
    try:
        rows: dict[str, list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise SettingsError(f"{path}: not valid JSON ({error}); restore it or move it") from error
    return rows


def _write(out: Path, row: str, judged: Judged, rows: dict[str, list[dict[str, Any]]]) -> None:
    with replacing(out / ROWS) as part:
        part.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    with replacing(out / "README.md") as part:
        part.write_text(markdown(rows), "utf-8")
    picture = "-".join(re.findall(r"\w+", row))
    with replacing(out / f"{picture}.png") as part:
        trade_offs(judged.curves, row).savefig(part, format="png")
    log.info("written: %s", out / "README.md")
