"""Safety tasks: a raised flag has an owner, a clock and a named next step until somebody acted."""
