"""Care plans: what is planned with the person, what was held of it, what has to be true to move on."""
