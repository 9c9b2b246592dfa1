"""Destroying a patient's record by destroying its keys: asked for, approved by somebody else, done, proven."""
