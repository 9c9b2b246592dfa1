"""Consents to disclose: what they must say (42 CFR 2.31), who signed which words, and what they cover
today.
"""
