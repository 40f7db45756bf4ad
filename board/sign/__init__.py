"""Keys and signatures for models."""
