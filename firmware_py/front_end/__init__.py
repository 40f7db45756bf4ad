"""The audio front end: int16 samples to the feature frames that a network reads.

Training, conversion, evaluation and the device all use this one definition. A `FrontEnd` is
frozen and says what to compute; a `FrontEndStream` computes it from chunks of any length, and
`frames_of` from a whole recording, with bit-identical results.
"""

from firmware_py.front_end.definition import FrontEnd
from firmware_py.front_end.stream import FrontEndStream, frames_of

__all__ = ["FrontEnd", "FrontEndStream", "frames_of"]
