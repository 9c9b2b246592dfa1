"""The trail by month, and an index for each way of searching it.

Revision: 0009, after 0008.

`audit_entry` becomes a table partitioned by range of the entry's id, month by month; every row is kept with the time and
transaction the database gave it. Rows are copied, not attached as one old partition, so that retention can later
detach them by month: a minute for a million entries, more memory for none.

What holds for the table holds for each part: nobody but the owner has any right on a part, row-level security is on and
forced, so that the parent's rule cannot be gone around; the guards of rows are inherited, those of TRUNCATE are given
to each part, because PostgreSQL does not inherit them.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

APP, SEQUENCER, LOOKUP = "consentry_app", "consentry_sequencer", "consentry_lookup"
KEEPER = "consentry_keeper"
ENTRY_COLUMNS = (
    "id, tree, program_id, occurred_at, actor_kind, actor_id, session_id, action, outcome, purpose, object_kind, "
    "object_id, object_version, patient_id, consent_id, recipient_id, basis, policy_set, policies, detail, "
    "payload_hash, request_id, mac"
)
#: Columns, and which rows are in the index at all. Equal values in order of time, so that one index serves a filter
#: with the usual order, and the order by that field.
INDEXES = (
    ("program_id, recorded_at", ""),
    ("program_id, occurred_at", ""),
    ("program_id, patient_id, recorded_at", ""),
    ("program_id, actor_id, recorded_at", ""),
    ("program_id, action, recorded_at", ""),
    ("program_id, request_id, recorded_at", ""),
    ("program_id, session_id, recorded_at", "session_id IS NOT NULL"),
    ("program_id, object_id, recorded_at", "object_id IS NOT NULL"),
    # what the newest version of a thing is, asked by each decision that rests on its row
    ("program_id, object_id, object_version", "object_version IS NOT NULL"),
    # which restrictions a patient ever asked for, asked by each disclosure
    ("program_id, patient_id, object_id", "action = 'restriction.request'"),
    # whether a patient's record was destroyed, asked before its keys are used
    ("program_id, patient_id", "action = 'key.shred_approve'"),
    ("program_id, consent_id, recorded_at", "consent_id IS NOT NULL"),
    ("program_id, recipient_id, recorded_at", "recipient_id IS NOT NULL"),
    ("program_id, outcome, recorded_at", "outcome <> 'permit'"),
    ("xid", ""),
)

FUNCTIONS = """
-- The smallest UUIDv7 of an instant: 48 bits of milliseconds, then nothing.
CREATE FUNCTION audit_first_id(p_at timestamp) RETURNS uuid LANGUAGE sql IMMUTABLE
AS $$ SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

CREATE FUNCTION audit_guard_part(p_name text) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', p_name);
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', p_name);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', p_name);
  -- for the verifier, once the part is detached and granted to it
  EXECUTE format('CREATE POLICY sequencer ON %I FOR SELECT TO consentry_sequencer USING (true)', p_name);
  EXECUTE format('CREATE TRIGGER append_only_all BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
                 'EXECUTE FUNCTION append_only()', p_name);
END $$;

-- Made beside the table and then attached: that waits for nobody who writes. False where it is there already, or where
-- the rest holds ids of that month, which then stay there.
CREATE FUNCTION audit_add_month(p_begin timestamp) RETURNS boolean LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE part text := 'audit_entry_' || to_char(p_begin, 'YYYY_MM');
BEGIN
  IF to_regclass(part) IS NOT NULL THEN RETURN false; END IF;
  EXECUTE format('CREATE TABLE %I (LIKE audit_entry INCLUDING DEFAULTS)', part);
  PERFORM audit_guard_part(part);
  EXECUTE format('ALTER TABLE audit_entry ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part,
                 audit_first_id(p_begin), audit_first_id(p_begin + interval '1 month'));
  RETURN true;
EXCEPTION WHEN check_violation THEN RETURN false;
END $$;

-- For the job of the serving process, which may make no tables: it can make these, and nothing else.
CREATE FUNCTION audit_months_ahead(p_ahead integer) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE first timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
        month timestamp;
BEGIN
  PERFORM pg_advisory_xact_lock(7236546470012);
  FOR month IN SELECT generate_series(first, first + make_interval(months => least(greatest(p_ahead, 0), 24)),
                                      interval '1 month')
  LOOP
    IF audit_add_month(month) THEN RETURN NEXT to_char(month, 'YYYY-MM'); END IF;
  END LOOP;
END $$;

-- Whether every entry of this span of ids has its position in a tree. As the role that only looks things up: the owner
-- is bound by row-level security and would see no entry at all.
CREATE FUNCTION audit_all_placed(p_first uuid, p_next uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$ SELECT NOT EXISTS (SELECT FROM audit_entry e WHERE e.id >= p_first AND e.id < p_next
                            AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.entry_id = e.id)) $$;

-- Never drops, never touches what is younger than six years, whoever asks, and never what has no position yet: an entry
-- nobody can miss would be gone without a trace.
CREATE FUNCTION audit_detach_months(p_years integer) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE last timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - make_interval(years => p_years);
        part text;
        month timestamp;
BEGIN
  IF p_years < 6 THEN
    RAISE EXCEPTION 'entries are kept for six years at least' USING ERRCODE = 'CE003';
  END IF;
  PERFORM pg_advisory_xact_lock(7236546470012);
  FOR part IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'audit_entry'::regclass AND c.relname ~ '^audit_entry_[0-9]{4}_[0-9]{2}$'
       AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= last
     ORDER BY 1
  LOOP
    month := to_date(right(part, 7), 'YYYY_MM');
    IF NOT audit_all_placed(audit_first_id(month), audit_first_id(month + interval '1 month')) THEN
      RAISE EXCEPTION 'entries of % have no position in a tree yet', right(part, 7) USING ERRCODE = 'CE003';
    END IF;
    EXECUTE format('ALTER TABLE audit_entry DETACH PARTITION %I', part);
    -- detaching takes the inherited guard away
    EXECUTE format('CREATE TRIGGER append_only BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW '
                   'EXECUTE FUNCTION append_only()', part);
    -- read on by the verifier, and in the export of the program whose entries they are
    EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO consentry_app USING (program_id = current_program())',
                   part);
    EXECUTE format('GRANT SELECT ON %I TO consentry_sequencer, consentry_app', part);
    RETURN NEXT translate(right(part, 7), '_', '-');
  END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")  # as long as the copying takes
    # The owner is bound by row-level security too: it would copy nothing.
    op.execute("ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE")
    op.execute("ALTER TABLE audit_entry RENAME TO audit_entry_before")
    op.execute("ALTER TABLE audit_entry_before RENAME CONSTRAINT pk_audit_entry TO pk_audit_entry_before")
    _drop_indexes()
    op.execute(
        "CREATE TABLE audit_entry (LIKE audit_entry_before INCLUDING DEFAULTS) PARTITION BY RANGE (id)"
    )
    op.execute(FUNCTIONS)
    op.execute("CREATE TABLE audit_entry_other PARTITION OF audit_entry DEFAULT")
    op.execute("SELECT audit_guard_part('audit_entry_other')")
    _months()
    op.execute("INSERT INTO audit_entry SELECT * FROM audit_entry_before")
    op.execute("ALTER TABLE audit_entry ADD CONSTRAINT pk_audit_entry PRIMARY KEY (id)")
    for columns, where in INDEXES:
        name = "ix_audit_entry_" + columns.replace(", ", "_")
        only = f" WHERE {where}" if where else ""
        op.execute(f"CREATE INDEX {name} ON audit_entry ({columns}){only}")
    _guards()
    op.execute("DROP TABLE audit_entry_before")


def _drop_indexes() -> None:
    """Their names are needed again."""
    for columns in (
        "xid",
        "program_id_recorded_at",
        "program_id_patient_id_recorded_at",
        "program_id_actor_id_recorded_at",
    ):
        op.execute(f"DROP INDEX ix_audit_entry_{columns}")


def _months() -> None:
    """The months of ids that are there (UUIDv7, of a year that can be), then this month and those ahead."""
    op.execute(
        "SELECT audit_add_month(month) FROM (SELECT DISTINCT date_trunc('month', to_timestamp("
        "('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0) AT TIME ZONE 'UTC') "
        "AS month FROM audit_entry_before WHERE substr(id::text, 15, 1) = '7' AND id >= audit_first_id('2020-01-01') "
        "AND id < audit_first_id('2100-01-01')) AS found ORDER BY month"
    )
    op.execute("SELECT audit_months_ahead(3)")


def _guards() -> None:
    """What 0002 gave the table."""
    tenant = f"TO {APP} USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    op.execute("ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON audit_entry {tenant}")
    op.execute(f"CREATE POLICY sequencer ON audit_entry FOR SELECT TO {SEQUENCER} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ({ENTRY_COLUMNS}) ON audit_entry TO {APP}")
    op.execute(f"GRANT SELECT ON audit_entry TO {SEQUENCER}")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION append_only()"
    )
    op.execute(
        "CREATE TRIGGER append_only_all BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT "
        "EXECUTE FUNCTION append_only()"
    )
    for function in ("audit_guard_part(text)", "audit_add_month(timestamp)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    for function in ("audit_months_ahead(integer)", "audit_detach_months(integer)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP}")
    # who seals again under another key must not do so under that of a destroyed record
    op.execute(
        f"CREATE POLICY keeper ON audit_entry FOR SELECT TO {KEEPER} USING (action = 'key.shred_approve')"
    )
    op.execute(f"GRANT SELECT (program_id, patient_id, action, outcome, detail) ON audit_entry TO {KEEPER}")
    _look_ups()


def _look_ups() -> None:
    """For `audit_all_placed` alone: the owner is a member of this role and must not see entries for that."""
    for table, column in (("audit_entry", "id"), ("audit_leaf", "entry_id")):
        op.execute(
            f"CREATE POLICY lookup ON {table} FOR SELECT TO {LOOKUP} USING (current_user = '{LOOKUP}')"
        )
        op.execute(f"GRANT SELECT ({column}) ON {table} TO {LOOKUP}")
    op.execute("REVOKE ALL ON FUNCTION audit_all_placed(uuid, uuid) FROM PUBLIC")
    op.execute(f"GRANT CREATE ON SCHEMA public TO {LOOKUP}")
    op.execute(f"ALTER FUNCTION audit_all_placed(uuid, uuid) OWNER TO {LOOKUP}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {LOOKUP}")


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0009 cannot be undone; restore a backup instead")
