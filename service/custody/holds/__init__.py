"""Legal holds: a patient's record, or a whole program, that must not be destroyed."""
