"""That a patient is in danger at home: marked by the service when a screen says so, taken away by compliance alone."""
