"""The check of a network's file before native code reads it.

The interpreters trust a file: an offset that points outside, an operator without its options or a
tensor of the wrong shape ends the process, or worse. So the file is read here first, by code that
can only raise. What passes is a graph of the operators that our converter writes, whose shapes,
types and constants fit together, within bounds of memory and work.
"""

from firmware_py.flatbuffer_check.check import MOST_MULTIPLICATIONS, check_flatbuffer

__all__ = ["MOST_MULTIPLICATIONS", "check_flatbuffer"]
