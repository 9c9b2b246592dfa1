"""Signatures and rulings: what somebody said about a consent, once."""
