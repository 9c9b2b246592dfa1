"""Consents, the recipients they name (for look-up by recipient) and their signatures."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    id_column,
    instant,
    program_column,
    sealed,
    uuid_column,
    version_column,
)

consent = Table(
    "consent",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column(
        "state", Text, nullable=False
    ),  # draft | active | revoked | expired | superseded | entered_in_error
    version_column(),
    Column(
        "expires_on", Date, nullable=True
    ),  # last day it holds, in the program's time zone; null when not by date
    instant("activated_at", nullable=True),
    instant("ended_at", nullable=True),
    sealed("terms"),
    sealed("document", nullable=True),  # the exact text signed, its hash and the text version
    sealed("revocation", nullable=True),
    instant("created_at"),
    instant("changed_at"),
    entry_column(),
    Index("ix_consent_patient_id_state", "patient_id", "state"),
    Index("ix_consent_program_id_id", "program_id", "id"),
)

consent_recipient = Table(
    "consent_recipient",
    metadata,
    Column("consent_id", Uuid(), ForeignKey("consent.id"), primary_key=True),
    Column("recipient_id", Uuid(), ForeignKey("recipient.id"), primary_key=True),
    program_column(),
    uuid_column("patient_id"),
    Column("state", Text, nullable=False),  # named | revoked
    instant("revoked_at", nullable=True),
    entry_column(),
    Index("ix_consent_recipient_patient_id_recipient_id", "patient_id", "recipient_id"),
)

consent_signature = Table(
    "consent_signature",
    metadata,
    id_column(),
    program_column(),
    Column("consent_id", Uuid(), ForeignKey("consent.id"), nullable=False),
    uuid_column("patient_id"),
    sealed("signature"),  # signer, method, image, attestation, witness, session, hash of the text signed
    instant("signed_at"),
    entry_column(),
    Index("ix_consent_signature_consent_id", "consent_id"),
)
