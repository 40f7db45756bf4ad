"""What answers a detection: one file per kind."""
