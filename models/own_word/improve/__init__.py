"""A model taught by the clips of its place that people have labelled."""
