"""Episodes, merged charts, credentials, medical intake, content packs, packets, placement, care plans, messages.

Revision: 0005, after 0004.

New tables get what the first ones have: row-level security by program (forced), grants, and the guard that refuses an
act without its ledger entry. A safety flag gains an owner and a clock: those raised before are due at once, and belong
to the clinicians.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APP, SEQUENCER, LOOKUP = "consentry_app", "consentry_sequencer", "consentry_lookup"
NEW = [
    "episode",
    "episode_step",
    "patient_merge",
    "credential",
    "intake_entry",
    "content_pack",
    "packet_item",
    "form_signature",
    "placement",
    "care_plan",
    "care_plan_paragraph",
    "visit",
    "message",
    "packet_link",
]
#: What happened in an episode is never changed.
UPDATABLE = [table for table in NEW if table != "episode_step"]

#: `session_caller` as before, and: the caller's credentials, which the service weighs by the program's calendar; and a
#: session that a packet link opened may rest twice as long as others, because its holder sits over a form at home.
FUNCTIONS = """
CREATE FUNCTION session_caller(p_session uuid, p_now timestamptz, p_idle interval)
RETURNS TABLE (account_id uuid, program_id uuid, program_version integer, kind text, roles text[], units text[],
               patient_id uuid, recipient_id uuid, channel text, credentials jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE used timestamptz;
BEGIN
  SELECT a.id, a.program_id, p.version, a.kind, a.roles, a.units, a.patient_id, a.recipient_id, s.channel,
         CASE WHEN a.kind = 'staff' THEN
           (SELECT jsonb_agg(jsonb_build_array(c.kind, c.state, c.starts_on, c.ends_on))
              FROM credential c WHERE c.account_id = a.id)
         END,
         s.last_used_at
    INTO account_id, program_id, program_version, kind, roles, units, patient_id, recipient_id, channel, credentials,
         used
    FROM session s JOIN account a ON a.id = s.account_id LEFT JOIN program p ON p.id = a.program_id
   WHERE s.id = p_session AND s.ended_at IS NULL AND s.expires_at > p_now
     AND s.last_used_at > p_now - p_idle * CASE WHEN s.channel = 'link' THEN 2 ELSE 1 END AND a.state = 'active';
  IF NOT FOUND THEN RETURN; END IF;
  IF used < p_now - interval '1 minute' THEN
    UPDATE session SET last_used_at = p_now WHERE id = p_session AND last_used_at < p_now;
  END IF;
  PERFORM set_config('consentry.program', session_caller.program_id::text, true);
  RETURN NEXT;
END $$;

-- Whose link a token is: asked before any program is known, answers with the program and nothing else.
CREATE FUNCTION packet_link_program(p_index bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT l.program_id FROM packet_link l WHERE l.token_index = p_index
$$;
"""
SESSION_CALLER, LINK_PROGRAM = "session_caller(uuid, timestamptz, interval)", "packet_link_program(bytea)"


def upgrade() -> None:
    _flags()
    _care()
    _intake()
    _admission()
    _delivery()
    _guard()
    _look_ups()


def _look_ups() -> None:
    for table in ("credential", "packet_link"):
        op.execute(f"CREATE POLICY lookup ON {table} FOR SELECT TO {LOOKUP} USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO {LOOKUP}")
    op.execute(f"DROP FUNCTION {SESSION_CALLER}")
    op.execute(FUNCTIONS)
    op.execute(f"GRANT CREATE ON SCHEMA public TO {LOOKUP}")
    for function in (SESSION_CALLER, LINK_PROGRAM):
        op.execute(f"ALTER FUNCTION {function} OWNER TO {LOOKUP}")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {LOOKUP}")


def _flags() -> None:
    added = (
        sa.Column("source", sa.Text(), nullable=False, server_default="assessment"),
        sa.Column("owner_role", sa.Text(), nullable=False, server_default="clinician"),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
    )
    for column in added:
        op.add_column("safety_flag", column)
    for column in ("source", "owner_role", "due_at"):
        op.alter_column("safety_flag", column, server_default=None)
    op.create_index(
        "ix_safety_flag_program_id_state_due_at", "safety_flag", ["program_id", "state", "due_at"]
    )


def _care() -> None:
    op.create_table(
        "episode",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("admitted_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_episode_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode")),
    )
    op.create_index("ix_episode_patient_id_id", "episode", ["patient_id", "id"], unique=False)
    op.create_index("ix_episode_program_id_state", "episode", ["program_id", "state"], unique=False)
    op.create_index(
        "uq_episode_patient_id_unit_open",
        "episode",
        ["patient_id", "unit"],
        unique=True,
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.create_table(
        "episode_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_episode_step_episode_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_episode_step_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episode_step")),
    )
    op.create_index("ix_episode_step_episode_id_id", "episode_step", ["episode_id", "id"], unique=False)
    op.create_table(
        "patient_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["merged_id"], ["patient.id"], name=op.f("fk_patient_merge_merged_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_merge_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_merge")),
    )
    op.create_index("ix_patient_merge_patient_id", "patient_merge", ["patient_id"], unique=False)
    op.create_index(
        "uq_patient_merge_merged_id_merged",
        "patient_merge",
        ["merged_id"],
        unique=True,
        postgresql_where=sa.text("state = 'merged'"),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_credential_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    op.create_index("ix_credential_account_id", "credential", ["account_id"], unique=False)
    op.create_index("ix_credential_program_id_ends_on", "credential", ["program_id", "ends_on"], unique=False)


def _intake() -> None:
    op.create_table(
        "intake_entry",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_intake_entry_item_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_intake_entry_patient_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_intake_entry")),
    )
    op.create_index(
        "ix_intake_entry_patient_id_section", "intake_entry", ["patient_id", "section"], unique=False
    )
    op.create_table(
        "content_pack",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("attested_by", sa.Uuid(), nullable=False),
        sa.Column("attested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_pack")),
    )
    op.create_index(
        "ix_content_pack_program_id_instrument", "content_pack", ["program_id", "instrument"], unique=False
    )


def _admission() -> None:
    op.create_table(
        "packet_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("assignee_role", sa.Text(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_nudge_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_packet_item_episode_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_packet_item_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packet_item")),
    )
    op.create_index("ix_packet_item_patient_id", "packet_item", ["patient_id"], unique=False)
    op.create_index(
        "ix_packet_item_program_id_state_due_at",
        "packet_item",
        ["program_id", "state", "due_at"],
        unique=False,
    )
    op.create_index(
        "uq_packet_item_episode_id_item_instance",
        "packet_item",
        ["episode_id", "item", "instance"],
        unique=True,
    )
    op.create_table(
        "form_signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=True),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_form_signature_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_signature")),
    )
    op.create_index(
        "ix_form_signature_patient_id_form", "form_signature", ["patient_id", "form"], unique=False
    )
    op.create_table(
        "placement",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("basis", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_placement_episode_id")),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_placement_item_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_placement_patient_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_placement")),
    )
    op.create_index("ix_placement_episode_id", "placement", ["episode_id"], unique=False)
    op.create_index("ix_placement_patient_id", "placement", ["patient_id"], unique=False)
    op.create_index(
        "ix_placement_program_id_decided_at", "placement", ["program_id", "decided_at"], unique=False
    )
    op.create_table(
        "care_plan",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_care_plan_episode_id")),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_care_plan_item_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_care_plan_patient_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_care_plan")),
    )
    op.create_index("ix_care_plan_episode_id", "care_plan", ["episode_id"], unique=False)
    op.create_index("ix_care_plan_patient_id", "care_plan", ["patient_id"], unique=False)
    op.create_index(
        "ix_care_plan_program_id_status_review_on",
        "care_plan",
        ["program_id", "status", "review_on"],
        unique=False,
    )
    op.create_table(
        "care_plan_paragraph",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("first_version", sa.Integer(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_care_plan_paragraph_item_id")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_care_plan_paragraph_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_plan_paragraph")),
    )
    op.create_index("ix_care_plan_paragraph_patient_id", "care_plan_paragraph", ["patient_id"], unique=False)
    op.create_index(
        "ix_care_plan_paragraph_program_id_mark", "care_plan_paragraph", ["program_id", "mark"], unique=False
    )
    op.create_index(
        "uq_care_plan_paragraph_item_id_mark", "care_plan_paragraph", ["item_id", "mark"], unique=True
    )
    op.create_table(
        "visit",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name=op.f("fk_visit_episode_id")),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_visit_item_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_visit_patient_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_visit")),
    )
    op.create_index("ix_visit_episode_id_held_on", "visit", ["episode_id", "held_on"], unique=False)
    op.create_index("ix_visit_patient_id", "visit", ["patient_id"], unique=False)


def _delivery() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_message_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_patient_id_id", "message", ["patient_id", "id"], unique=False)
    op.create_index("ix_message_state_next_attempt_at", "message", ["state", "next_attempt_at"], unique=False)
    op.create_table(
        "packet_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_packet_link_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packet_link")),
    )
    op.create_index("ix_packet_link_patient_id", "packet_link", ["patient_id"], unique=False)
    op.create_index("uq_packet_link_token_index", "packet_link", ["token_index"], unique=True)


def _guard() -> None:
    tenant = f"TO {APP} USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    for table in NEW:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} {tenant}")
        op.execute(f"CREATE POLICY sequencer ON {table} FOR SELECT TO {SEQUENCER} USING (true)")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
        op.execute(f"GRANT SELECT (program_id, entry_id) ON {table} TO {SEQUENCER}")
        op.execute(
            f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
        )
    for table in UPDATABLE:
        op.execute(f"GRANT UPDATE ON {table} TO {APP}")


def downgrade() -> None:
    """Records rest on these tables: they are not dropped by stepping back."""
    raise RuntimeError("revision 0005 cannot be undone; restore a backup instead")
