"""The manual page, written from the command line's own help."""

import argparse
from collections.abc import Iterator

from firmware_py.__main__ import build_parser

HEADER = """\
.TH TRIGGER\\-WORD 1 "{date}" "trigger\\-word {version}" "User Commands"
.SH NAME
trigger\\-word \\- hear a trigger word, on the device itself
.SH SYNOPSIS
.B trigger\\-word
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
Listens to a microphone and answers to a word by a chime, a GPIO pin, MQTT, Wyoming, a command or a
webhook. Nothing leaves the device. The service
.B trigger\\-word.service
runs it with the settings in
.IR /etc/trigger\\-word.toml .
.SH COMMANDS
"""
FOOTER = """\
.SH FILES
.TP
.I /etc/trigger\\-word.toml
Settings of the service; every value is explained there. Only root and the group
trigger\\-word\\-settings read it. After a change of outputs:
.B systemctl daemon\\-reload; systemctl restart trigger\\-word
.TP
.I /etc/trigger\\-word.d
For passwords, keys and sounds that the settings name; as little readable as they are.
.TP
.I /var/lib/trigger\\-word/models
Installed models: the current one and the one before it.
.TP
.I /var/lib/trigger\\-word/clips
Recordings, if the settings ask for them.
.SH EXIT STATUS
0: done. 1: a check or a budget failed. 2: bad usage or input, told in one line. 75: a device went
away; the service manager starts the service again.
.SH SIGNALS
.B SIGHUP
lets
.B run
read settings and models again;
.B SIGTERM
ends it, with every pin off.
.SH SEE ALSO
.BR systemctl (1),
.BR arecord (1)
"""


def manual_page(version: str, date: str) -> str:
    """Return the page in man(7)'s language."""
    parser = build_parser()
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    pages = [HEADER.format(version=_escape(version), date=date)]
    for name, command in commands.choices.items():
        pages.append("".join(_command(name, command)))
    return "".join(pages) + FOOTER


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f".SS {_escape(name)}\n{_escape(parser.description or '')}\n"
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            yield f".TP\n{_signature(action)}\n{_escape(_help(action))}\n"
    if parser.epilog:
        yield f".PP\n{_escape(parser.epilog)}\n"


def _signature(action: argparse.Action) -> str:
    """Return an option or argument as it is typed: names bold, values slanted."""
    value = f"\\fI{_escape(_value(action))}\\fR"
    names = ", ".join(f"\\fB{_escape(option)}\\fR" for option in action.option_strings)
    if not names:
        return value
    return names if action.nargs == 0 else f"{names} {value}"


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest)


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": "trigger-word"}


def _escape(text: str) -> str:
    """Return `text` as roff shows it letter by letter."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
