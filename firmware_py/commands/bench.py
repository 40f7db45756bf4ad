"""`trigger-word bench`: what models cost on this board."""

import argparse
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.artefact import Artefact
    from firmware_py.bench.limits import Limits
    from firmware_py.bench.report import Report

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "bench",
        help="measure cost and latency on this board",
        description="Measure each model on each installed interpreter, in a fresh process each:"
        " CPU time of front end, network and decision, time of a call, memory, start-up, and how"
        " long after a word the outputs are called. The exit code is 1 if something is over"
        " budget or slower than before.",
        epilog="example: trigger-word bench --json > before.json; ...;"
        " trigger-word bench --against before.json --tolerance 0.1",
    )
    add = parser.add_argument
    add(
        "models",
        nargs="*",
        metavar="M",
        help="names or files (default: the installed one, or the built-in)",
    )
    add(
        "--audio",
        type=Path,
        metavar="WAV",
        help="what they hear (default: the bundled recording); words in a .json file beside it"
        " give the latency",
    )
    add(
        "--seconds",
        type=_positive,
        default=60.0,
        metavar="S",
        help="repeat the recording until it is this long (default: 60)",
    )
    add(
        "--chunk-ms",
        type=_positive,
        metavar="MS",
        help="audio handed over at a time (default: that of one call of the network)",
    )
    add("--runtime", metavar="R", help="one interpreter (default: all that are installed)")
    add("--threads", type=_count, default=1, metavar="N", help="of the interpreter (default: 1)")
    add(
        "--soak",
        type=_positive,
        default=0.0,
        metavar="MINUTES",
        help="then go on at full load and watch heat, clock and memory",
    )
    add(
        "--loopback",
        action="store_true",
        help="then play the recording on the speaker and time the round trip through the"
        " microphone; 1 if no word is heard. Stop the service first: it holds the microphone",
    )
    add(
        "--settings",
        type=Path,
        metavar="FILE",
        help="TOML file that names microphone and speaker for --loopback",
    )
    add("--json", action="store_true", help="one JSON object a measurement")
    add("--against", type=Path, metavar="OLD.json", help="compare with an earlier --json")
    add(
        "--tolerance",
        type=_positive,
        default=0.1,
        metavar="X",
        help="how much slower than OLD.json is allowed (default: 0.1, a tenth)",
    )
    add(
        "--budget",
        type=Path,
        metavar="FILE",
        help="TOML or JSON with [budget.MODEL] core_percent and rss_mb",
    )
    add("--budget-core", type=_positive, metavar="PERCENT", help="of one core, for every model")
    add("--budget-rss", type=_positive, metavar="MB", help="of memory, for every model")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 if something is over budget or past the tolerance."""
    from firmware_py.schema import to_mapping

    reports = []
    for report in _reports(arguments):
        reports.append(report)
        if arguments.json:
            print(json.dumps(to_mapping(report)), flush=True)
    if not arguments.json:
        _print_tables(reports)
    for report in reports:
        for excess in report.excesses:
            log.error("%s (%s) on %s: %s", report.name, report.mode, report.runtime, excess)
        if _unheard(report):
            log.error("%s on %s: no word was heard", report.name, report.runtime)
    return 1 if any(report.excesses or _unheard(report) for report in reports) else 0


def _reports(arguments: argparse.Namespace) -> Iterator["Report"]:
    from firmware_py.artefact import DEFAULT_MODEL
    from firmware_py.bench.machine import read_machine
    from firmware_py.bench.runner import Workload, measure, runtimes_named
    from firmware_py.installation.library import open_model

    limits = _limits(arguments)
    runtimes = runtimes_named(arguments.runtime)
    artefacts = [open_model(name) for name in arguments.models or [None]]
    if not arguments.models:
        log.info("measuring %s (%s)", artefacts[0].metadata.name, artefacts[0].path)
    workload = Workload(
        audio=arguments.audio or DEFAULT_MODEL.with_suffix(".flac"),
        seconds=arguments.seconds,
        num_threads=arguments.threads,
        chunk_seconds=arguments.chunk_ms / 1e3 if arguments.chunk_ms else None,
        soak_minutes=arguments.soak,
    )
    machine = read_machine()
    loopback = _loopback(workload.audio, arguments.settings) if arguments.loopback else None
    for artefact in artefacts:
        for runtime in runtimes:
            report = limits.judge(measure(artefact, runtime, workload, machine))
            yield loopback(report, artefact) if loopback else report


def _loopback(audio: Path, settings_path: Path | None) -> "Callable[[Report, Artefact], Report]":
    """Return what adds the round trip through the air to a report."""
    from firmware_py.bench.loopback import play_and_listen
    from firmware_py.bench.word_latency import read_words
    from firmware_py.errors import AudioError
    from firmware_py.logs import quieten_libraries
    from firmware_py.settings import Settings, read_settings

    words = read_words(audio)
    if not words:
        raise AudioError(
            f"{audio}: a round trip needs to know its words; name them in"
            f" {audio.with_suffix('.json').name} beside it"
        )
    settings = read_settings(settings_path) if settings_path else Settings()
    quieten_libraries()

    def add(report: "Report", artefact: "Artefact") -> "Report":
        loopback = play_and_listen(artefact, report.runtime, audio, words, settings)
        return replace(report, loopback=loopback)

    return add


def _unheard(report: "Report") -> bool:
    return report.loopback is not None and not report.loopback.word_latency_ms.num_heard


def _limits(arguments: argparse.Namespace) -> "Limits":
    from firmware_py.bench.budget import Budget, read_budgets
    from firmware_py.bench.comparison import read_earlier
    from firmware_py.bench.limits import Limits

    return Limits(
        everyone=Budget(arguments.budget_core, arguments.budget_rss),
        budgets=read_budgets(arguments.budget) if arguments.budget else {},
        earlier=read_earlier(arguments.against) if arguments.against else None,
        tolerance=arguments.tolerance,
    )


def _print_tables(reports: Sequence["Report"]) -> None:
    from firmware_py.bench.table import (
        cost_table,
        describe_loopback,
        describe_machine,
        describe_second_stage,
        describe_soak,
        describe_state,
        latency_table,
        process_table,
    )

    first, last = reports[0], reports[-1]
    print(describe_machine(first.machine))
    print(f"before: {describe_state(first.before)}; after: {describe_state(last.after)}")
    print(f"{first.audio_seconds:.0f} s of audio, one live stream\n")
    print(cost_table(reports), latency_table(reports), process_table(reports), sep="\n\n")
    for report in reports:
        title = f"\n{report.name} ({report.mode}) on {report.runtime}"
        if report.second_stage:
            print(f"{title}: {describe_second_stage(report.second_stage)}")
        if report.soak:
            print(f"{title}: {describe_soak(report.soak)}")
        if report.loopback:
            print(f"{title}, {describe_loopback(report.loopback)}")


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
