"""How many keys there are."""
