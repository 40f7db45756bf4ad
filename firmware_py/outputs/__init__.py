"""What answers a detection: one file per kind; `options` holds their settings."""
