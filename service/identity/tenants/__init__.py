"""Programs as tenants of the service."""
