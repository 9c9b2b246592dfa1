"""Who is calling: accounts, passwords, sessions and the tokens that name them."""
