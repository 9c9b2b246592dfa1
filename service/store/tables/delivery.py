"""Messages to be sent, written in the transaction of the act that wants them; links that open a patient's packet."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    fingerprint,
    id_column,
    index_key_column,
    instant,
    program_column,
    sealed,
    uuid_column,
    version_column,
)

message = Table(
    "message",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),  # packet_link | reminder | notice
    Column("channel", Text, nullable=False),  # email | text
    Column("state", Text, nullable=False),  # queued | sent | failed | bounced | cancelled
    Column("attempts", Integer, nullable=False),
    version_column(),
    sealed("content"),  # {to, template, parameters, provider_id}
    instant("created_at"),
    instant("next_attempt_at", nullable=True),
    instant("settled_at", nullable=True),
    uuid_column("subject_id", nullable=True),  # what it is about: a packet item, a link
    entry_column(),
    Index("ix_message_patient_id_id", "patient_id", "id"),
    Index("ix_message_state_next_attempt_at", "state", "next_attempt_at"),
)

#: A way into one patient's own packet: the token is kept as a keyed index only.
packet_link = Table(
    "packet_link",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    uuid_column("account_id"),  # the patient's account it signs in
    # null once the patient's record was destroyed, or its key was replaced and the link is over
    fingerprint("token_index", nullable=True),
    index_key_column(),
    Column("state", Text, nullable=False),  # open | used_up | ended
    Column("failures", Integer, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    instant("opened_at", nullable=True),
    entry_column(),
    Index("uq_packet_link_token_index", "token_index", unique=True),
    Index("ix_packet_link_patient_id", "patient_id"),
)
