"""Two charts of one person read as one, and taken apart again."""
