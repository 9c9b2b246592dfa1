"""Patients, the people and organisations around them, and what is recorded between them."""
