"""Break-glass: a clinician reads the record of a patient not theirs, for an hour, and is asked about it afterwards."""
