"""Our types as FHIR R4 resources: pure mapping, no rule of its own."""
