"""Models put in place on a device: signed, tried out, switched to in one step."""
