"""Consentry: intake, consent and disclosure of an intensive outpatient program."""
