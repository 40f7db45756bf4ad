"""Files and streams of sound, read once, in bounded memory."""
