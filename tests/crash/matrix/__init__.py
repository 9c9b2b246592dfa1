"""The crash matrix: whatever a process does outside itself fails once before and once after it took effect."""
