"""Consents, the recipients they name (for look-up by recipient) and their signatures."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    code_column,
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
        "text_version", Text, nullable=True
    ),  # the version of the words; null in rows older than the column
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
    code_column(),
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
    code_column(),
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
    code_column(),
    Index("ix_consent_signature_consent_id", "consent_id"),
)

#: A compliance officer's ruling on one consent: a doubt, its settlement, an ending event, a formal defect.
consent_ruling = Table(
    "consent_ruling",
    metadata,
    id_column(),
    program_column(),
    Column("consent_id", Uuid(), ForeignKey("consent.id"), nullable=False),
    uuid_column("patient_id"),
    Column(
        "kind", Text, nullable=False
    ),  # doubted | cleared | false | event_happened | event_not_happened | formal
    sealed("particulars"),
    uuid_column("ruled_by"),
    instant("ruled_at"),
    entry_column(),
    code_column(),
    Index("ix_consent_ruling_consent_id", "consent_id"),
)

#: Which version of the words a program uses from when on. The words themselves are files under policies/.
consent_text = Table(
    "consent_text",
    metadata,
    id_column(),
    program_column(),
    Column("version", Text, nullable=False),
    Column("text_hash", Text, nullable=False),  # SHA-256 of the file as adopted, hexadecimal
    Column("effective_from", Date, nullable=False),
    Column("recollect_by", Date, nullable=True),  # consents in older words are collected again by this day
    uuid_column("adopted_by"),
    instant("adopted_at"),
    entry_column(),
    Index("uq_consent_text_program_id_version", "program_id", "version", unique=True),
)
