"""What was not written here looks at what is written here."""
