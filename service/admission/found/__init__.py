"""What the packet reads of others: clear columns, for many patients at once, one statement for each concept."""
