"""Looking whether everything that is sealed opens."""
