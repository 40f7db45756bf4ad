"""What people hand us, read once and within bounds, or refused with one line."""
