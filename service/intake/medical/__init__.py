"""The medical intake: sections and lists of entries, each a record item with labels of its own."""
