"""Whom a member of staff works with, and who is nobody's yet."""
