"""Applications that are broken on purpose: a test that passes them tests nothing. Never imported by the
service.
"""

from copy import copy
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Select

from service.app import create
from service.consent import acts
from service.consent import records as consents
from service.evidence import records as evidence
from service.people import records as people
from service.rights import records as rights


def without_consent_lock() -> FastAPI:
    """A service that decides about disclosures without locking the consents it rests on."""
    consents.__dict__["_REACHING_SHARED"] = vars(consents)["_REACHING"]
    return create()


def without_restriction_locks() -> FastAPI:
    """One that reads restrictions without locking them, or the patient they are about."""
    rights.__dict__["_OF_PATIENT"] = _unlocked(rights, "_OF_PATIENT")
    people.__dict__["_PATIENT_SHARED"] = vars(people)["_PATIENT"]
    return create()


def without_evidence_lock() -> FastAPI:
    """One that rests on papers without locking them."""
    one = vars(evidence)["_ONE"]
    one[evidence.Lock.SHARE] = one[evidence.Lock.NONE]
    return create()


def without_agreement_lock() -> FastAPI:
    """One that rests on agreements without locking them."""
    evidence.__dict__["_AGREEMENTS_FOR"] = _unlocked(evidence, "_AGREEMENTS_FOR")
    return create()


def with_consents_before_patients() -> FastAPI:
    """One that locks a consent first and its patient later, against the order of everybody else."""

    def unlocked(*_: object) -> None:
        """The patient is locked when the events are asked for, early enough for every decision."""

    acts.__dict__["patient_for_share"] = unlocked
    return create()


def _unlocked(module: ModuleType, name: str) -> Select[Any]:
    """The same statement without its FOR SHARE."""
    statement: Select[Any] = copy(vars(module)[name])
    statement.__dict__["_for_update_arg"] = None
    return statement
