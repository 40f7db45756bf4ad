"""Google's speech embedding, the beginning of second stages."""
