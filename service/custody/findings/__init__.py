"""What the rules of review find in the trail, and what a compliance officer decides about it."""
