"""One line of a long complaint, for an error of ours."""

from firmware_py.reading.files import LONGEST_REASON, shown


def first_line(error: Exception, longest: int = LONGEST_REASON) -> str:
    """Return the first line of what a library raised, or the error's class; `longest` letters."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return shown(line)[:longest]


def last_line(output: str | bytes, otherwise: str) -> str:
    """Return the last line that a program printed, or `otherwise` where it printed none."""
    text = output if isinstance(output, str) else output.decode(errors="replace")
    return (text.strip().splitlines() or [otherwise])[-1].strip()
