"""When posteriors count as a detection: one word, several words, and the second stage's looks."""
