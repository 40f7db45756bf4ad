"""Judging a model through the runtime that ships: misses, false accepts, latency."""
