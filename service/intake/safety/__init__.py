"""Raised safety flags as tasks: an owner, a clock, a named next step, and an end only with what was done."""
