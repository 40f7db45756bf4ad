"""`python -m fuzz [READER...] [--seconds S | --inputs N]`: readers against mutants.

With atheris (Linux, x86-64; `pip install atheris`) an input that reaches new code is kept and
changed further; without it, mutants of the seeds and of the corpus are tried at random. What goes
wrong is written to `findings/`, and beforehand what might end the process; put it into
`corpus/READER` with its correction.
"""

import argparse
import importlib.util
import random
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

from fuzz.mutation import changed
from fuzz.readers import CORPUS, READERS

FINDINGS = Path("findings")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each (default: 60)")
    parser.add_argument("--inputs", type=int, help="for each, at random, however long it takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.guided:
        _guided(arguments.readers[0], int(arguments.seconds))
    failed = 0
    for name in arguments.readers or READERS:
        if importlib.util.find_spec("atheris") and not arguments.inputs:
            command = [sys.executable, "-m", "fuzz", name, "--guided"]
            command += ["--seconds", str(arguments.seconds)]
            failed += subprocess.run(command, check=False).returncode != 0
        else:
            failed += _at_random(name, arguments)
    return 1 if failed else 0


def _at_random(name: str, arguments: argparse.Namespace) -> bool:
    """Try mutants for a while, or so many, or until Ctrl-C; tell whether one went wrong."""
    reader, rng, tried, taken, longest = READERS[name], random.Random(arguments.seed), 0, 0, 0.0
    inputs = inputs_of(name)
    FINDINGS.mkdir(exist_ok=True)
    now = FINDINGS / f"{name}-now"
    end = time.monotonic() + arguments.seconds
    while tried < arguments.inputs if arguments.inputs else time.monotonic() < end:
        content = changed(rng.choice(inputs), rng)
        tried += 1
        now.write_bytes(content)
        began = time.process_time()
        try:
            taken += reader.try_out(content)
            longest = max(longest, time.process_time() - began)
        except KeyboardInterrupt:
            _report(name, tried - 1, taken, longest)
            raise
        except Exception:
            traceback.print_exc()
            now.rename(FINDINGS / f"{name}-{tried}")
            return True
    now.unlink()
    _report(name, tried, taken, longest)
    return False


def _report(name: str, tried: int, taken: int, longest: float) -> None:
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name}: {tried:,} inputs, {taken:,} taken, nothing found; the longest took"
        f" {longest:.2f} s of computing, memory {most_mb:.0f} MB at most",
        flush=True,
    )


def inputs_of(name: str) -> list[bytes]:
    """Return the seeds of a reader and its corpus."""
    kept = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    return [*READERS[name].seeds(), *kept, b""]


def _guided(name: str, seconds: int) -> None:
    """Let atheris lead; it ends the process."""
    import atheris

    reader = READERS[name]
    folder = Path("findings", "grown", name)
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(inputs_of(name)):
        (folder / f"seed-{number}").write_bytes(content)
    # Code that is imported already is instrumented function by function.
    atheris.instrument_all()
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1000"]
    places = [f"-artifact_prefix={FINDINGS}/{name}-", str(folder)]
    atheris.Setup([sys.argv[0], *limits, *places], reader.try_out)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
