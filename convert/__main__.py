"""python -m convert: turn a trained network into an artefact."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from firmware_py.artefact import Mode
from firmware_py.console import exit_code
from firmware_py.errors import SettingsError
from firmware_py.policies.candidates import LookPolicy

if TYPE_CHECKING:
    from convert.parity import ParityReport, RuntimeParity
    from convert.verifier import VerifierChoice

DESCRIPTION = """\
Convert a trained network into an artefact: one .tflite file for the device, with its metadata.

The artefact is written only when its streamed posteriors equal the trained network's over at
least a minute of audio, within the limit of its mode, on every TensorFlow Lite interpreter that
is installed."""

EPILOG = """\
modes:
  float32       exact (1e-5); the largest file
  float16       weights in 16 bits (2e-3)
  weight-int8   weights in 8 bits, in 16 where it matters, arithmetic in floats (1e-2)
  dynamic-int8  weights in 8 bits, integer products (5e-2)
  int8          all in 8 bits, calibrated (1 % of the posteriors may cross 0.5)
  int16x8       activations in 16 bits, weights in 8, calibrated (likewise)

exit codes: 0 written, 1 the model failed the parity gate, 2 bad usage or input

examples:
  python -m convert models/trained/activate/model.keras -o activate.tflite
  python -m convert model.keras --verifier verifier.keras -o two-stages.tflite
  python -m convert weights.h5 --architecture reference -o reference.tflite --mode weight-int8"""


LOOKS = {
    "candidate_threshold": ("X", "look while the first stage's score is at or above this"),
    "smoothing": ("STEPS", "the first stage's score is the mean of so many posteriors"),
    "spacing": ("STEPS", "from one look to the next"),
    "looks": ("N", "last looks of which the two highest count"),
    "peak": ("STEPS", "last steps of which the first stage's highest score counts"),
}
"""Fields of `LookPolicy` that are options, with metavar and help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert as the command line says; return the exit code. Bad input is one line on stderr."""
    options = _parser().parse_args(arguments)
    return exit_code("python -m convert", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    with _quiet_libraries():
        report = _convert(options)
    _print_report(report, options.out)
    return 0


def _convert(options: argparse.Namespace) -> "ParityReport":
    # TensorFlow takes seconds to import: not for --help, and not before its noise is kept quiet.
    from convert.conversion import convert

    return convert(
        options.model,
        options.out,
        mode=options.mode,
        num_steps=options.steps,
        config_path=options.config,
        architecture=options.architecture,
        calibration=options.calibration,
        parity_audio=options.parity_audio,
        verifier=_verifier(options),
    )


def _verifier(options: argparse.Namespace) -> "VerifierChoice | None":
    """Return the second stage that was asked for; raises SettingsError for its options alone."""
    from convert.verifier import VerifierChoice

    given = {name: getattr(options, name) for name in LOOKS}
    looks = {name: value for name, value in given.items() if value is not None}
    if options.verifier:
        return VerifierChoice(options.verifier, options.verifier_mode, looks)
    if looks or options.verifier_mode:
        raise SettingsError("a second stage's options were given; name it with --verifier")
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m convert",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "model",
        type=Path,
        metavar="MODEL",
        help="a .keras file, a full .h5, or one with weights only and --architecture",
    )
    add("-o", "--out", type=Path, required=True, metavar="OUT.tflite")
    add("--mode", choices=get_args(Mode), default="float32")
    add(
        "--steps",
        type=_count,
        metavar="N",
        help="steps per call; default: as many as fit into 80 ms of audio",
    )
    add(
        "--config",
        type=Path,
        metavar="CONFIG.toml",
        help="the network's configuration; default: config.toml beside MODEL",
    )
    add(
        "--architecture",
        metavar="NAME",
        help="a configuration of the project by name, such as reference",
    )
    add(
        "--calibration",
        type=Path,
        nargs="+",
        default=(),
        metavar="AUDIO",
        help="recordings or folders to fit 8-bit modes to; default: made audio",
    )
    add(
        "--parity-audio",
        type=Path,
        nargs="+",
        default=(),
        metavar="AUDIO",
        help="recordings or folders to compare on; default: made audio",
    )
    _add_verifier(parser)
    return parser


def _add_verifier(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a second stage")
    group.add_argument(
        "--verifier",
        type=Path,
        metavar="VERIFIER",
        help="a .keras file: a network of [frames, bins] to a probability for each label, run only"
        " where the first stage has a candidate",
    )
    group.add_argument("--verifier-mode", choices=get_args(Mode), help="default: that of --mode")
    for name, (metavar, text) in LOOKS.items():
        default = getattr(LookPolicy, name)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            metavar=metavar,
            help=f"{text} (default: the configuration's)",
        )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of steps; give 1 or more")
    return int(text)


def _print_report(report: "ParityReport", out: Path) -> None:
    size = out.stat().st_size
    print(f"{out}: {report.mode}, {size:,} bytes, checked on {report.seconds:.0f} s of audio")
    rows: list[tuple[str, RuntimeParity]] = [(parity.runtime, parity) for parity in report.runtimes]
    if report.verifier:
        rows += [(f"verifier, {parity.runtime}", parity) for parity in report.verifier.runtimes]
    width = max(len(what) for what, _ in rows) + 2
    for what, parity in rows:
        print(
            f"  {what:<{width}}largest difference {parity.maximum_difference:.1e},"
            f" {parity.num_flipped} of {parity.num_posteriors} posteriors across 0.5"
            f" ({parity.num_above} above it)"
        )


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep what native libraries write off the terminal, and our own progress on it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    logger = logging.getLogger("convert")
    with os.fdopen(os.dup(2), "w") as terminal, Path(os.devnull).open("w") as nothing:
        progress = logging.StreamHandler(terminal)
        logger.addHandler(progress)
        logger.setLevel(logging.INFO)
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal.fileno(), 2)
            logger.removeHandler(progress)


if __name__ == "__main__":
    sys.exit(main())
