"""On-device trigger-word detection.

from firmware_py import Detector

with Detector.open() as detector:
    for detection in detector.process(chunk):
        print(detection.label, detection.time_seconds)
"""

from firmware_py.detector import Detection, Detector
from firmware_py.errors import TriggerWordError

__all__ = ["Detection", "Detector", "TriggerWordError"]
