"""Command words: several words, silence and the unknown, from a Speech Commands folder."""
