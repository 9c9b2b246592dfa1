"""Record items: what the program keeps about a patient, under which law, how sensitive, and who inside may
read it.
"""
