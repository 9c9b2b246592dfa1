"""Relationships recorded between a patient and staff, providers, payers."""
