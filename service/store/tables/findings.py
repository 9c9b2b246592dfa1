"""What the rules of review found in the trail, what was decided about it, and what makes a patient's chart watched."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, Table, Text, Uuid

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

#: One rule, one caller, one patient (or none), one day of the program: facts that come later join it.
finding = Table(
    "finding",
    metadata,
    id_column(),
    program_column(),
    Column("rule", Text, nullable=False),  # key in policies/reviews.yaml
    Column("severity", Text, nullable=False),  # high | medium | low
    uuid_column("actor_id"),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=True),
    Column("day", Date, nullable=False),
    instant("begins_at"),  # the first and the last access it rests on
    instant("ends_at"),
    Column("state", Text, nullable=False),  # open | needs_more | justified | not_justified
    Column("facts", Integer, nullable=False),
    version_column(),
    sealed("particulars"),  # what was counted, and the rule as it was then
    instant("raised_at"),
    instant("changed_at"),
    entry_column(),
    code_column(),
    Index(
        "uq_finding_rule_actor_patient_day",
        "program_id",
        "rule",
        "actor_id",
        "patient_id",
        "day",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_finding_program_id_state_id", "program_id", "state", "id"),
    Index("ix_finding_program_id_actor_id_id", "program_id", "actor_id", "id"),
    Index("ix_finding_patient_id", "patient_id"),
)

#: The entries of the ledger a finding rests on. Never changed.
finding_fact = Table(
    "finding_fact",
    metadata,
    id_column(),
    program_column(),
    Column("finding_id", Uuid(), ForeignKey("finding.id"), nullable=False),
    uuid_column("about_id"),  # the ledger entry
    instant("occurred_at"),
    instant("noted_at"),
    entry_column(),
    Index("uq_finding_fact_finding_id_about_id", "finding_id", "about_id", unique=True),
)

#: What somebody decided, each time. Never changed.
finding_decision = Table(
    "finding_decision",
    metadata,
    id_column(),
    program_column(),
    Column("finding_id", Uuid(), ForeignKey("finding.id"), nullable=False),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=True),
    Column("decision", Text, nullable=False),  # justified | not_justified | needs_more
    uuid_column("decided_by"),
    instant("decided_at"),
    sealed("reason"),
    entry_column(),
    Index("ix_finding_decision_finding_id", "finding_id"),
    Index("ix_finding_decision_patient_id", "patient_id"),
)

#: How far the trail has been looked through: the last position of the program's tree, by the question asked.
finding_mark = Table(
    "finding_mark",
    metadata,
    Column("program_id", Uuid(), primary_key=True),
    Column("question", Text, primary_key=True),  # at_once | later
    Column("position", BigInteger, nullable=False),
    instant("changed_at"),
)

#: A chart whose accesses are looked at: a person in the public eye, or somebody who works here.
patient_watch = Table(
    "patient_watch",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),  # vip | coworker
    Column("state", Text, nullable=False),  # watched | ended
    version_column(),
    sealed("particulars"),  # why, and why no longer
    instant("set_at"),
    instant("ended_at", nullable=True),
    entry_column(),
    Index("ix_patient_watch_patient_id", "patient_id"),
    Index("ix_patient_watch_program_id_state", "program_id", "state"),
)

#: What likeness with a patient is judged by, beside the account's own name. `id` is the account's.
staff_particulars = Table(
    "staff_particulars",
    metadata,
    Column("id", Uuid(), ForeignKey("account.id"), primary_key=True),
    program_column(),
    version_column(),
    sealed("particulars"),  # {family_name, given_name, birth_date, address} under the program key
    instant("changed_at"),
    entry_column(),
)
