"""The command line: what operators do. Every act on a record goes through the same operations as the API."""
