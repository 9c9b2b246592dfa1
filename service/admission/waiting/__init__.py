"""Who waits for somebody: open episodes in the order in which they are listed, reminded and reviewed."""
