"""Placement support: facts in, a suggestion with all its reasons out; the clinician decides."""
