"""Trained Keras networks to streaming artefacts, with proof of parity.

From Python: `convert.conversion.convert`. This module itself imports nothing, because
`convert.replay` must run without TensorFlow.
"""
