"""What a model costs on this board: processor time, memory, latency."""
