"""What every command line of the project does alike: errors as one line, and exit codes."""

import os
import sys
from collections.abc import Callable

from firmware_py.errors import TriggerWordError
from firmware_py.reading.files import shown

EXIT_INTERRUPTED = 130
EXIT_NO_READER = 141
"""As a shell says of processes that SIGINT and SIGPIPE ended."""


def exit_code(program: str, run: Callable[[], int]) -> int:
    """Run; return its exit code, or that of its error, which is one line on standard error."""
    try:
        return run()
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NO_READER
    except TriggerWordError as error:
        return _fail(program, error, error.exit_code)
    except OSError as error:
        return _fail(program, error, TriggerWordError.exit_code)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _fail(program: str, error: Exception, code: int) -> int:
    print(f"{program}: {shown(str(error))}", file=sys.stderr)
    return code
