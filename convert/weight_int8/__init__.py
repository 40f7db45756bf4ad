"""The mode weight-int8: 8-bit weights, rounded so that errors cancel, and float computation."""
