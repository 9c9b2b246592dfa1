"""Where signed checkpoints are kept outside the database: a file, an object store, a system log."""
