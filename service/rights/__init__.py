"""What patients may ask of the program: restrictions on use and disclosure (42 CFR 2.26)."""
