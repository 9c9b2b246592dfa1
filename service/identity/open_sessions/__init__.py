"""Sessions that are open, and how they end."""
