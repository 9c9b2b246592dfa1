"""What is still to be done in an intake, by whom and by when, and what each open thing holds up."""
