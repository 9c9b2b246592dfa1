"""Attachments: scanned consents, orders and identity papers, kept as they came, sealed, never executed."""
