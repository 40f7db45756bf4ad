"""config.txt and cmdline.txt, changed so that doing it twice is doing it once."""

import re
from collections.abc import Iterable, Sequence

BEGIN = "# trigger-word: begin (written by `python -m board prepare`)"
END = "# trigger-word: end"

BLOCK = re.compile(rf"\n*^{re.escape(BEGIN)}$.*?^{re.escape(END)}$\n?", re.MULTILINE | re.DOTALL)


def with_config_lines(config: str, lines: Sequence[str]) -> str:
    """Return config.txt with our lines between markers at its end; without any: without block.

    `[all]` comes first, since the file may end in a section for one board.
    """
    rest = BLOCK.sub("\n", config.replace("\r\n", "\n")).rstrip("\n") + "\n"
    if not lines:
        return rest
    return "\n".join([rest, BEGIN, "[all]", *lines, END, ""])


def with_parameters(cmdline: str, parameters: Iterable[str]) -> str:
    """Return the kernel's command line with these parameters, each instead of one of its name."""
    ours = list(parameters)
    names = {word.partition("=")[0] for word in ours}
    words = [word for word in cmdline.split() if word.partition("=")[0] not in names]
    return " ".join([*words, *ours]) + "\n"
