"""python -m convert: turn a trained network into an artefact."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, get_args

from firmware_py.artefact import Mode
from firmware_py.errors import TriggerWordError

if TYPE_CHECKING:
    from convert.parity import ParityReport

DESCRIPTION = """\
Convert a trained network into an artefact: one .tflite file for the device, with its metadata.

The artefact is written only when its streamed posteriors equal the trained network's over at
least a minute of audio, within the limit of its mode, on every TensorFlow Lite interpreter that
is installed."""

EPILOG = """\
modes:
  float32       exact (1e-5); the largest file
  float16       weights in 16 bits (2e-3)
  weight-int8   weights in 8 bits, arithmetic in floats (1e-2)
  dynamic-int8  weights in 8 bits, integer products (5e-2)
  int8          all in 8 bits, calibrated (1 % of the posteriors may cross 0.5)
  int16x8       activations in 16 bits, weights in 8, calibrated (likewise)

exit codes: 0 written, 1 the model failed the parity gate, 2 bad usage or input

examples:
  python -m convert models/trained/activate/model.keras -o activate.tflite
  python -m convert weights.h5 --architecture reference -o reference.tflite --mode weight-int8"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert as the command line says; return the exit code."""
    options = _parser().parse_args(arguments)
    with _quiet_libraries() as terminal:
        logging.basicConfig(stream=terminal, format="%(message)s")
        logging.getLogger("convert").setLevel(logging.INFO)
        from convert.conversion import convert
        from convert.parity import ParityError

        try:
            report = convert(
                options.model,
                options.out,
                mode=options.mode,
                num_steps=options.steps,
                config_path=options.config,
                architecture=options.architecture,
                calibration=options.calibration,
                parity_audio=options.parity_audio,
            )
        except TriggerWordError as error:
            print(f"convert: {error}", file=terminal)
            return 1 if isinstance(error, ParityError) else 2
    _print_report(report, options.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m convert",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL",
        help="a .keras file, a full .h5, or one with weights only and --architecture")  # fmt: skip
    add("-o", "--out", type=Path, required=True, metavar="OUT.tflite")
    add("--mode", choices=get_args(Mode), default="float32")
    add("--steps", type=_count, metavar="N",
        help="steps a call; default: as many as fit into 80 ms of audio")  # fmt: skip
    add("--config", type=Path, metavar="CONFIG.toml",
        help="the network's configuration; default: config.toml beside MODEL")  # fmt: skip
    add("--architecture", metavar="NAME",
        help="a configuration of the project by name, such as reference")  # fmt: skip
    add("--calibration", type=Path, nargs="+", default=(), metavar="AUDIO",
        help="recordings or folders for int8 and int16x8; default: made audio")  # fmt: skip
    add("--parity-audio", type=Path, nargs="+", default=(), metavar="AUDIO",
        help="recordings or folders to compare on; default: made audio")  # fmt: skip
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps; give 1 or more")
    return int(text)


def _print_report(report: "ParityReport", out: Path) -> None:
    size = out.stat().st_size
    print(f"{out}: {report.mode}, {size:,} bytes, checked on {report.seconds:.0f} s of audio")
    for parity in report.runtimes:
        print(
            f"  {parity.runtime:<16}largest difference {parity.maximum_difference:.1e},"
            f" {parity.num_flipped} of {parity.num_posteriors} posteriors across 0.5"
            f" ({parity.num_above} above it)"
        )


@contextmanager
def _quiet_libraries() -> Iterator[TextIO]:
    """Keep what native libraries write off the terminal; give a stream that still goes there."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal = os.dup(2)
    with os.fdopen(terminal, "w", buffering=1) as stream, Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield stream
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)


if __name__ == "__main__":
    sys.exit(main())
