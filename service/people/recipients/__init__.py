"""The register of recipients: whom a consent may name and a disclosure may reach."""
