"""What can be measured, and telling Prometheus."""
