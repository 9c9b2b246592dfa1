"""The individual care plan: problems, measurable goals, interventions, hours, gates."""
