"""The SQL of rotations."""
