"""Charts that are watched, and what staff said of themselves so that likeness can be judged."""
