"""Rotations of keys that somebody asked for, and what became of them."""
