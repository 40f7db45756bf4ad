"""Trying out what a site uses: `check`, and `test-outputs` with a detection that is pretended."""
