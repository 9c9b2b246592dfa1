"""A model of the house: what callers did and were told, kept apart from the service, to be held against its ledger."""
