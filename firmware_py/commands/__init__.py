"""The subcommands of `trigger-word`, one a file: `add_parser` and `run`."""
