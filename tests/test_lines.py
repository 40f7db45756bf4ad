"""One line of a long complaint."""

import pytest

from firmware_py.reading.lines import first_line, last_line


@pytest.mark.parametrize(
    ("said", "expected"),
    [("shape (1, 2)\nsee above", "shape (1, 2)"), ("", "ValueError"), ("a\x1b[31mb", "a?[31mb")],
)
def test_the_first_line_of_an_error_is_plain_and_short(said, expected):
    assert first_line(ValueError(said)) == expected
    assert len(first_line(ValueError(said * 1000 or "x" * 1000), 50)) <= 50


@pytest.mark.parametrize("output", ["a\nE: no such package\n\n", b"E: no such package \n \n"])
def test_the_last_line_that_a_program_printed(output):
    assert last_line(output, "no answer") == "E: no such package"


def test_a_program_that_printed_nothing():
    assert last_line(b" \n", "exit code 3") == "exit code 3"
