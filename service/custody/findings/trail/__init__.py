"""The trail as the rules of review look at it."""
