"""The REST API: one router per resource. Routes translate; operations decide and act."""
