"""Licences and certificates of staff, and what ends with them."""
