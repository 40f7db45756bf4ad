"""A stream from samples to steps: frames, the network on them, and the second look."""
