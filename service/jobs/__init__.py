"""What the service does by itself, by the clock: one task per process, one leader per job and program."""
