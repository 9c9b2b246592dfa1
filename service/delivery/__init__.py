"""Messages that leave the house: by safe channels only, naming neither program nor condition (42 CFR 2.13(c))."""
