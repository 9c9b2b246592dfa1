"""Which keys a unit of work is likely to miss next."""
