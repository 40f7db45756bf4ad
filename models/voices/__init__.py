"""Synthetic voices: phrases spoken by the free speech synthesisers, varied in voice and room."""
