"""What `trigger-word run` does all day: from the microphone's chunks to the outputs."""
