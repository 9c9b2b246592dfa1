"""Tenancy, grants, guards and look-ups.

Revision: 0002, after 0001.

What the application role may do is decided here, by the database, below the application:
- row-level security by program, FORCED (the owner is bound too);
- the ledger can be added to and read, nothing else; its clock and transaction id are the database's own;
- a row that records an act is refused at commit unless its ledger entry was written in the same transaction.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APP, SEQUENCER, LOOKUP = "consentry_app", "consentry_sequencer", "consentry_lookup"
SERVICE = "00000000-0000-7000-8000-000000000001"

# table -> column whose change is an act ("" = every column), for tables that carry entry_id
ACTS = {
    "program": "",
    "account": "",
    "session": "ended_at",  # last_used_at moves without being an act
    "patient": "",
    "patient_version": "",
    "patient_event": "",
    "recipient": "",
    "relationship": "",
    "record_item": "",
    "record_item_version": "",
    "assessment": "",
    "safety_flag": "",
    "consent": "",
    "consent_recipient": "",
    "consent_signature": "",
    "disclosure": "",
    "accounting": "",
    "record_request": "",
}
TENANT = [table for table in ACTS if table != "program"] + ["patient_index", "vault_key", "idempotency"]
UPDATABLE = [
    "program",
    "account",
    "session",
    "vault_key",
    "patient",
    "recipient",
    "relationship",
    "record_item",
    "assessment",
    "safety_flag",
    "consent",
    "consent_recipient",
    "idempotency",
]
DELETABLE = ["patient_index", "consent_recipient", "idempotency"]
ENTRY_COLUMNS = (
    "id, tree, program_id, occurred_at, actor_kind, actor_id, session_id, action, outcome, purpose, object_kind, "
    "object_id, object_version, patient_id, consent_id, recipient_id, basis, policy_set, policies, detail, "
    "payload_hash, request_id, mac"
)

FUNCTIONS = """
CREATE FUNCTION current_program() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('consentry.program', true), '')::uuid $$;

CREATE FUNCTION require_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = NEW.entry_id AND e.xid = pg_current_xact_id()) THEN
    RAISE EXCEPTION 'an act on % has no ledger entry in its transaction', TG_TABLE_NAME USING ERRCODE = 'CE001';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'CE002';
END $$;

-- One round trip finds the session, checks it, notes its use (at most once a minute) and sets the tenant.
CREATE FUNCTION session_caller(p_session uuid, p_now timestamptz, p_idle interval)
RETURNS TABLE (account_id uuid, program_id uuid, program_version integer, kind text, roles text[], units text[],
               patient_id uuid, recipient_id uuid, channel text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE used timestamptz;
BEGIN
  SELECT a.id, a.program_id, p.version, a.kind, a.roles, a.units, a.patient_id, a.recipient_id, s.channel, s.last_used_at
    INTO account_id, program_id, program_version, kind, roles, units, patient_id, recipient_id, channel, used
    FROM session s JOIN account a ON a.id = s.account_id LEFT JOIN program p ON p.id = a.program_id
   WHERE s.id = p_session AND s.ended_at IS NULL AND s.expires_at > p_now
     AND s.last_used_at > p_now - p_idle AND a.state = 'active';
  IF NOT FOUND THEN RETURN; END IF;
  IF used < p_now - interval '1 minute' THEN
    UPDATE session SET last_used_at = p_now WHERE id = p_session AND last_used_at < p_now;
  END IF;
  PERFORM set_config('consentry.program', session_caller.program_id::text, true);
  RETURN NEXT;
END $$;

CREATE FUNCTION account_by_username(p_index bytea)
RETURNS TABLE (account_id uuid, program_id uuid, kind text, password_hash text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.id, a.program_id, a.kind, a.password_hash, a.state FROM account a WHERE a.username_index = p_index
$$;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    # The owner must hold the look-up role to hand the functions to it.
    for function in ("session_caller(uuid, timestamptz, interval)", "account_by_username(bytea)"):
        op.execute(f"GRANT CREATE ON SCHEMA public TO {LOOKUP}")
        op.execute(f"ALTER FUNCTION {function} OWNER TO {LOOKUP}")
        op.execute(f"REVOKE CREATE ON SCHEMA public FROM {LOOKUP}")
    _tenancy()
    _grants()
    _guards()


def _tenancy() -> None:
    tenant = f"TO {APP} USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    for table in TENANT:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} {tenant}")
    for table in ("account", "session"):
        op.execute(f"CREATE POLICY lookup ON {table} TO {LOOKUP} USING (true)")
    op.execute("ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON audit_entry {tenant}")
    op.execute(f"CREATE POLICY sequencer ON audit_entry FOR SELECT TO {SEQUENCER} USING (true)")
    for table in ("audit_leaf", "audit_tree", "audit_checkpoint"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} FOR SELECT TO {APP} USING (tree IN (current_program(), '{SERVICE}'))"
        )
        op.execute(f"CREATE POLICY sequencer ON {table} TO {SEQUENCER} USING (true) WITH CHECK (true)")
    # The verifier (sequencer role) looks for acts without an entry: the two ids of a row and no more.
    for table in ACTS:
        if table in TENANT:
            op.execute(f"CREATE POLICY sequencer ON {table} FOR SELECT TO {SEQUENCER} USING (true)")


def _grants() -> None:
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}, {SEQUENCER}, {LOOKUP}")
    for table in [*TENANT, "program", "sign_in_slot"]:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
    for table in [*UPDATABLE, "sign_in_slot"]:
        op.execute(f"GRANT UPDATE ON {table} TO {APP}")
    for table in DELETABLE:
        op.execute(f"GRANT DELETE ON {table} TO {APP}")
    # recorded_at and xid are not in the list: only the database sets them.
    op.execute(f"GRANT SELECT, INSERT ({ENTRY_COLUMNS}) ON audit_entry TO {APP}")
    for table in ("audit_leaf", "audit_tree", "audit_checkpoint"):
        op.execute(f"GRANT SELECT ON {table} TO {APP}")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {SEQUENCER}")
    op.execute(f"GRANT UPDATE ON audit_tree TO {SEQUENCER}")
    op.execute(f"GRANT SELECT ON audit_entry TO {SEQUENCER}")
    op.execute(f"GRANT SELECT (id, key, entry_id) ON program TO {SEQUENCER}")
    op.execute(f"GRANT SELECT ON alembic_version TO {APP}, {SEQUENCER}")
    for table in ACTS:
        if table != "program":
            op.execute(f"GRANT SELECT (program_id, entry_id) ON {table} TO {SEQUENCER}")
    op.execute(f"GRANT SELECT ON account, session, program TO {LOOKUP}")
    op.execute(f"GRANT UPDATE (last_used_at) ON session TO {LOOKUP}")
    for function in ("session_caller(uuid, timestamptz, interval)", "account_by_username(bytea)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP}")


def _guards() -> None:
    for table, column in ACTS.items():
        of = f" OF {column}" if column else ""
        op.execute(
            f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE{of} ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
        )
    for table in ("audit_entry", "audit_leaf", "audit_checkpoint"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def downgrade() -> None:
    """There is no way back below tenancy: a database without these guards must not be served."""
    raise RuntimeError("revision 0002 cannot be undone; restore a backup instead")
