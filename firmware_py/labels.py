"""Labels of a network that are answers but never detections."""

SILENCE, UNKNOWN = "silence", "unknown"


def is_word(label: str) -> bool:
    """Tell whether a label can be detected."""
    return label not in (SILENCE, UNKNOWN)
