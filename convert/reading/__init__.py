"""Trained networks from the files that Keras has written over the years, none of them trusted."""
