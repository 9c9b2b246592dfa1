"""Packet items, signed forms, placement decisions, care plans, visits: what stands around an item or an episode."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    fingerprint,
    id_column,
    instant,
    program_column,
    sealed,
    uuid_column,
    version_column,
)

#: One thing to be done in an intake. Most of what it says is derived; stored is what people decided about it.
packet_item = Table(
    "packet_item",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("episode_id", Uuid(), ForeignKey("episode.id"), nullable=False),
    Column("item", Text, nullable=False),  # F01 ... F27, or an instrument's or a section's key
    Column("instance", Text, nullable=False),  # "" or which of several (a person, a visit)
    Column("state", Text, nullable=False),
    Column("assignee_role", Text, nullable=False),
    uuid_column("assignee_id", nullable=True),
    instant("due_at", nullable=True),
    instant("last_nudge_at", nullable=True),
    version_column(),
    sealed("particulars"),  # {reason, source, waived_by, nudges ...}
    instant("changed_at"),
    entry_column(),
    Index("uq_packet_item_episode_id_item_instance", "episode_id", "item", "instance", unique=True),
    Index("ix_packet_item_patient_id", "patient_id"),
    Index("ix_packet_item_program_id_state_due_at", "program_id", "state", "due_at"),
)

#: One signature event on one form that is not a consent to disclose. Immutable but for being superseded.
form_signature = Table(
    "form_signature",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    uuid_column("episode_id", nullable=True),
    Column("form", Text, nullable=False),
    Column("text_version", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("text_sha256", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # signed | given | declined
    instant("signed_at"),
    Column("expires_on", Date, nullable=True),
    instant("superseded_at", nullable=True),
    version_column(),
    sealed("particulars"),  # {signer, reader, interpreter, device, witness, answers, attestation, reason}
    sealed("document"),  # the exact text that was signed
    uuid_column("recorded_by"),
    entry_column(),
    Index("ix_form_signature_patient_id_form", "patient_id", "form"),
)

#: A placement decision stands beside a record item of kind `level_of_care`: what the rules said never leaves with it.
placement = Table(
    "placement",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("episode_id", Uuid(), ForeignKey("episode.id"), nullable=False),
    Column("state", Text, nullable=False),  # awaiting_second | signed | superseded
    Column("rule_set", Text, nullable=False),
    Column("overridden", Boolean, nullable=False),
    version_column(),
    sealed("basis"),  # {suggestion, rules, facts, missing, override} frozen as they were
    instant("decided_at"),
    uuid_column("decided_by"),
    instant("second_at", nullable=True),
    uuid_column("second_by", nullable=True),
    entry_column(),
    Index("ix_placement_episode_id", "episode_id"),
    Index("ix_placement_patient_id", "patient_id"),
    Index("ix_placement_program_id_decided_at", "program_id", "decided_at"),
)

#: A care plan is a record item; here is how far it has come.
care_plan = Table(
    "care_plan",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("episode_id", Uuid(), ForeignKey("episode.id"), nullable=False),
    Column("status", Text, nullable=False),  # draft | active | on_hold | completed | revoked
    Column("starts_on", Date, nullable=False),
    Column("review_on", Date, nullable=False),
    entry_column(),
    Index("ix_care_plan_patient_id", "patient_id"),
    Index("ix_care_plan_episode_id", "episode_id"),
    Index("ix_care_plan_program_id_status_review_on", "program_id", "status", "review_on"),
)

#: A paragraph of a plan's text as a keyed mark: tells only whether two plans say the same (CP-20). The key is the
#: program's, because charts are compared; so a mark does not end with its patient's key, and destroying that key has to
#: take the patient's rows here away, as it takes those of `patient_index`.
care_plan_paragraph = Table(
    "care_plan_paragraph",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("item_id", Uuid(), ForeignKey("record_item.id"), nullable=False),
    fingerprint("mark", nullable=True),  # null once the patient's record was destroyed
    Column("standing", Boolean, nullable=False),  # in the text as it stands
    Column("first_version", Integer, nullable=False),  # of the content; a draft's is that of its last saving
    instant("kept_at"),
    entry_column(),
    Index("uq_care_plan_paragraph_item_id_mark", "item_id", "mark", unique=True),
    Index("ix_care_plan_paragraph_program_id_mark", "program_id", "mark"),
    Index("ix_care_plan_paragraph_patient_id", "patient_id"),
)

#: A planned or held session: a record item of kind `attendance`; the clear part is what deadlines and hours count.
visit = Table(
    "visit",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("episode_id", Uuid(), ForeignKey("episode.id"), nullable=False),
    Column("held_on", Date, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("outcome", Text, nullable=False),  # attended | missed | excused
    entry_column(),
    Index("ix_visit_episode_id_held_on", "episode_id", "held_on"),
    Index("ix_visit_patient_id", "patient_id"),
)
