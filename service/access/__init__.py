"""Who may do what, and what the law says about one item: policies decide, Python supplies the facts."""
