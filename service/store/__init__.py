"""PostgreSQL: engine, sessions, column types and tables. Nothing here decides."""
