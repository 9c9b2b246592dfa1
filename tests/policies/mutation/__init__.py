"""Does a test notice when one condition of one policy is gone? `make mutate` asks for every one of them."""
