"""Values under old keys."""
