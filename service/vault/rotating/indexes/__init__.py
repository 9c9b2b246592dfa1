"""Blind indexes under old keys."""
