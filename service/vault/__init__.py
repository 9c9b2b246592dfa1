"""Sealing of values, and the keys for it. Nothing outside this package touches `cryptography` (but see
ledger/verify).
"""
