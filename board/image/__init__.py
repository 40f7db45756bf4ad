"""A complete, bootable Debian image for a Pi: the same inputs make the same bytes."""
