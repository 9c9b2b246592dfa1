"""Rows that decide carry a code over all their columns, under a key that is not in the database.

Revision: 0007, after 0006.

The rows that are here already have no code, and cannot get one from the database: `consentry integrity adopt` writes
them with the key, once, before the service starts again. Writing a code is not an act of its own, so the guard that
asks for a ledger entry no longer looks at that one column; it asks for one at every other change, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APP = "consentry_app"
LOOKUP = "consentry_lookup"
CODED = [
    "program",
    "account",
    "credential",
    "session",
    "relationship",
    "consent",
    "consent_recipient",
    "consent_signature",
    "consent_ruling",
    "restriction",
    "recipient",
    "legal_hold",
    "shredding",
]
#: Their guard looks at every column; that of a session looks at its end alone, since 0002.
GUARDED = [table for table in CODED if table != "session"]
#: Written once until now: a code may be put beside them, and nothing else changed.
WRITTEN_ONCE = ["consent_signature", "consent_ruling"]

#: `session_caller` as before, and: what the codes of the session, of its account and of that account's credentials
#: cover, so that the service, which alone has the key, can look at them before it believes them.
SESSION_CALLER = """
CREATE FUNCTION session_caller(p_session uuid, p_now timestamptz, p_idle interval)
RETURNS TABLE (account_id uuid, program_id uuid, program_version integer, kind text, roles text[], units text[],
               patient_id uuid, recipient_id uuid, channel text, credentials jsonb, shred_mark bigint,
               password_hash text, state text, version integer, created_at timestamptz, entry_id uuid, mac bytea,
               session_program_id uuid, session_created_at timestamptz, session_expires_at timestamptz,
               session_end_reason text, session_entry_id uuid, session_mac bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE used timestamptz;
BEGIN
  SELECT a.id, a.program_id, p.version, a.kind, a.roles, a.units, a.patient_id, a.recipient_id, s.channel,
         CASE WHEN a.kind = 'staff' THEN
           (SELECT jsonb_agg(jsonb_build_array(c.kind, c.state, c.starts_on, c.ends_on, c.id, c.program_id, c.version,
                             to_char(timezone('UTC', c.recorded_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), c.entry_id,
                             encode(c.mac, 'hex')))
              FROM credential c WHERE c.account_id = a.id)
         END,
         (SELECT m.mark FROM vault_mark m),
         a.password_hash, a.state, a.version, a.created_at, a.entry_id, a.mac,
         s.program_id, s.created_at, s.expires_at, s.end_reason, s.entry_id, s.mac,
         s.last_used_at
    INTO account_id, program_id, program_version, kind, roles, units, patient_id, recipient_id, channel, credentials,
         shred_mark, password_hash, state, version, created_at, entry_id, mac,
         session_program_id, session_created_at, session_expires_at, session_end_reason, session_entry_id, session_mac,
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
"""
SIGNATURE = "session_caller(uuid, timestamptz, interval)"


def upgrade() -> None:
    for table in CODED:
        op.add_column(table, sa.Column("mac", sa.LargeBinary(), nullable=True))
    for table in GUARDED:
        _guard(table)
    for table in WRITTEN_ONCE:
        op.execute(f"GRANT UPDATE (mac) ON {table} TO {APP}")
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.execute(SESSION_CALLER)
    op.execute(f"GRANT CREATE ON SCHEMA public TO {LOOKUP}")
    op.execute(f"ALTER FUNCTION {SIGNATURE} OWNER TO {LOOKUP}")
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO {APP}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {LOOKUP}")
    _looks()


def _looks() -> None:
    """How far the look at a program's rows came is no act: it needs no entry."""
    op.create_table(
        "row_look",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("bad", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_row_look")),
    )
    op.execute("ALTER TABLE row_look ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE row_look FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON row_look TO {APP} "
        "USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON row_look TO {APP}")


def _guard(table: str) -> None:
    """The guard of 0002 again, on the columns it looks at now, without the code."""
    connection = op.get_bind()
    watched = sa.text(
        "SELECT a.attname FROM pg_trigger t CROSS JOIN LATERAL unnest(t.tgattr) AS n "
        "JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = n "
        "WHERE t.tgname = 'act_has_entry' AND t.tgrelid = CAST(:name AS regclass)"
    )
    every = sa.text(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 "
        "AND NOT attisdropped AND attname <> 'mac' ORDER BY attnum"
    )
    columns = list(connection.execute(watched, {"name": table}).scalars())
    columns = columns or list(connection.execute(every, {"name": table}).scalars())
    op.execute(f"DROP TRIGGER act_has_entry ON {table}")
    op.execute(
        f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE OF {', '.join(columns)} ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
    )


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0007 cannot be undone; restore a backup instead")
