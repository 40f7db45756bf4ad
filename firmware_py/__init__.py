"""On-device trigger-word detection.

from firmware_py import Detector

with Detector.open() as detector:
    for detection in detector.process(chunk):
        print(detection.label, detection.time_seconds)
"""

from typing import TYPE_CHECKING, Any

from firmware_py.errors import TriggerWordError

if TYPE_CHECKING:
    from firmware_py.detector import Detection, Detector

__all__ = ["Detection", "Detector", "TriggerWordError"]


def __getattr__(name: str) -> Any:
    """Load the detector, and numpy with it, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from firmware_py import detector

    return getattr(detector, name)
