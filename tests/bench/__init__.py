"""Ratios measured in one run: see `python -m tests.bench --help`."""
