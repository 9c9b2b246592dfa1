"""What is taken away beside a patient's keys: search values, ways in, and what was still to be sent."""
