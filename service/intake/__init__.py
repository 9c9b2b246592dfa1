"""Intake assessments: instruments as data, scoring as arithmetic on that data, urgent flags that survive a
bad form.
"""
