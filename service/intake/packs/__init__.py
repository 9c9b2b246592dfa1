"""Licensed wording of instruments: shown only where the program has attested its licence."""
