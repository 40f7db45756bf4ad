"""What the detector costs beside the obvious way, the arithmetic floor and other engines."""
