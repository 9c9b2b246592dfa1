"""Tiles and cosignatures as the database keeps them, and as a folder of files."""
