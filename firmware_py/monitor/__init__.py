"""What a listening device lets people see and correct: sound, scores, what it heard and missed."""
