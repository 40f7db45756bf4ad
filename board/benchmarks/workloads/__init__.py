"""Scripts that each measure one thing in a process of their own and print one JSON object."""
