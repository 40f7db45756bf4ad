"""The sound card: PortAudio kept within bounds, and a microphone that goes on whatever it does."""
