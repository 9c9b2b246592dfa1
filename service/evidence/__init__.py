"""Evidence: the papers that a basis without consent rests on, structured, signed off, in force or not."""
