"""Custody of the evidence: reading the audit trail, explaining it, proving it, handing it on."""
