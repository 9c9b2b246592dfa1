"""Which words a program uses for its consents, from when on, and which consents have to be collected again."""
