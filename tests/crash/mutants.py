"""Applications that are broken on purpose: a test that passes them tests nothing. Never imported by the
service.
"""

from fastapi import FastAPI

from service.app import create
from service.consent import records


def without_consent_lock() -> FastAPI:
    """A service that decides about disclosures without locking the consents it rests on."""
    vars(records)["_REACHING_SHARED"] = vars(records)["_REACHING"]
    return create()
