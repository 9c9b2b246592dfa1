"""Keys: how often each was used, a mark of what was shredded, holds, the key that each blind index is under.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APP, SEQUENCER, LOOKUP = "consentry_app", "consentry_sequencer", "consentry_lookup"
KEEPER = "consentry_keeper"

#: `session_caller` as before, and: how many patients' keys were destroyed in this deployment so far. A process that sees
#: a higher number than it knew forgets the keys it holds unwrapped.
SESSION_CALLER = "session_caller(uuid, timestamptz, interval)"
SESSION_CALLER_WITH_MARK = """
CREATE FUNCTION session_caller(p_session uuid, p_now timestamptz, p_idle interval)
RETURNS TABLE (account_id uuid, program_id uuid, program_version integer, kind text, roles text[], units text[],
               patient_id uuid, recipient_id uuid, channel text, credentials jsonb, shred_mark bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE used timestamptz;
BEGIN
  SELECT a.id, a.program_id, p.version, a.kind, a.roles, a.units, a.patient_id, a.recipient_id, s.channel,
         CASE WHEN a.kind = 'staff' THEN
           (SELECT jsonb_agg(jsonb_build_array(c.kind, c.state, c.starts_on, c.ends_on))
              FROM credential c WHERE c.account_id = a.id)
         END,
         (SELECT m.mark FROM vault_mark m),
         s.last_used_at
    INTO account_id, program_id, program_version, kind, roles, units, patient_id, recipient_id, channel, credentials,
         shred_mark, used
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

#: What is sealed, by table; later revisions call `keeper_may_seal_again` for what they add.
SEALED = {
    "account": "profile",
    "accounting": "particulars",
    "attachment": "content, description",
    "consent": "terms, document, revocation",
    "consent_ruling": "particulars",
    "consent_signature": "signature",
    "content_pack": "content",
    "credential": "particulars",
    "disclosure": "package, decision",
    "emergency_grant": "particulars",
    "episode": "particulars",
    "episode_step": "particulars",
    "evidence": "particulars",
    "form_signature": "particulars, document",
    "legal_hold": "particulars",
    "message": "content",
    "packet_item": "particulars",
    "patient": "demographics",
    "patient_merge": "particulars",
    "patient_version": "demographics",
    "placement": "basis",
    "recipient": "identity",
    "record_item": "labels, content",
    "record_item_version": "labels, content",
    "record_request": "asked",
    "relationship": "evidence",
    "restriction": "terms",
    "review": "finding",
    "safety_flag": "finding, acknowledgement",
    "shredding": "request",
}

KEEPING = """
-- An act needs its entry; sealing the same value again under another key is no act on the row (the rotation has one).
CREATE OR REPLACE FUNCTION require_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF current_user = 'consentry_keeper' THEN RETURN NULL; END IF;  -- bound by keeper_seals_again
  IF NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = NEW.entry_id AND e.xid = pg_current_xact_id()) THEN
    RAISE EXCEPTION 'an act on % has no ledger entry in its transaction', TG_TABLE_NAME USING ERRCODE = 'CE001';
  END IF;
  RETURN NULL;
END $$;

-- A sealed column (TG_ARGV) may become another envelope of the same form and length, under a key that is active in the
-- row's program and is not the one it was under. Other columns the keeper may not write at all.
CREATE FUNCTION keeper_seals_again() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE name text; before bytea; after bytea;
BEGIN
  FOREACH name IN ARRAY TG_ARGV LOOP
    EXECUTE format('SELECT ($1).%1$I, ($2).%1$I', name) INTO before, after USING OLD, NEW;
    CONTINUE WHEN after IS NOT DISTINCT FROM before;
    IF before IS NULL OR after IS NULL
       OR octet_length(after) <> octet_length(before)
       OR substring(after FROM 1 FOR 2) <> substring(before FROM 1 FOR 2)
       OR substring(after FROM 3 FOR 16) = substring(before FROM 3 FOR 16)
       OR NOT EXISTS (SELECT 1 FROM vault_key k WHERE k.key_id = substring(after FROM 3 FOR 16)
                         AND k.program_id = NEW.program_id AND k.state = 'active')
    THEN
      RAISE EXCEPTION 'the keeper only seals again: %.%', TG_TABLE_NAME, name USING ERRCODE = 'CE003';
    END IF;
  END LOOP;
  RETURN NEW;
END $$;

CREATE FUNCTION keeper_may_seal_again(kept regclass, VARIADIC names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE POLICY keeper ON %s TO consentry_keeper USING (true) WITH CHECK (true)', kept);
  EXECUTE format('GRANT SELECT ON %s TO consentry_keeper', kept);
  EXECUTE format('GRANT UPDATE (%s) ON %s TO consentry_keeper',
                 (SELECT string_agg(quote_ident(name), ', ') FROM unnest(names) name), kept);
  EXECUTE format('CREATE TRIGGER keeper_seals_again BEFORE UPDATE ON %s FOR EACH ROW
                  WHEN (current_user = ''consentry_keeper'') EXECUTE FUNCTION keeper_seals_again(%s)',
                 kept, (SELECT string_agg(quote_literal(name), ', ') FROM unnest(names) name));
END $$;
REVOKE ALL ON FUNCTION keeper_may_seal_again(regclass, text[]) FROM PUBLIC;
"""

#: Found by any of several values: while the key of the indexes changes a name has one under each.
INDEXES = """
CREATE FUNCTION account_by_username(p_indexes bytea[])
RETURNS TABLE (account_id uuid, program_id uuid, kind text, password_hash text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.id, a.program_id, a.kind, a.password_hash, a.state FROM account a WHERE a.username_index = ANY(p_indexes)
$$;

CREATE FUNCTION packet_link_program(p_indexes bytea[]) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT l.program_id FROM packet_link l WHERE l.token_index = ANY(p_indexes)
$$;

-- The service's index keys, wrapped: user names and links are looked up before any program is entered.
CREATE FUNCTION service_index_keys()
RETURNS TABLE (key_id bytea, kek_id bytea, wrapped bytea, state text, emptied boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT k.key_id, k.kek_id, k.wrapped, k.state, k.emptied_at IS NOT NULL FROM vault_key k
   WHERE k.program_id = '00000000-0000-7000-8000-000000000001' AND k.purpose = 'index' AND k.state <> 'shredded'
   ORDER BY k.created_at, k.id
$$;

-- A blind index is written under a key that is still asked for. The shared lock makes whoever declares a key empty wait
-- for what is being written under it; whoever comes later is refused here instead of writing what nobody would find.
-- The keeper, besides, only goes from another key to the active one.
CREATE FUNCTION index_key_stands() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.index_key IS NULL THEN RETURN NEW; END IF;
  PERFORM 1 FROM vault_key k
    WHERE k.key_id = NEW.index_key AND k.purpose = 'index' AND k.emptied_at IS NULL
      AND k.program_id IN (NEW.program_id, '00000000-0000-7000-8000-000000000001') FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'nobody looks for an index under this key: %', TG_TABLE_NAME USING ERRCODE = 'CE004';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION keeper_indexes_again() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.index_key IS NULL OR OLD.index_key IS NOT DISTINCT FROM NEW.index_key
     OR NOT EXISTS (SELECT 1 FROM vault_key k WHERE k.key_id = NEW.index_key AND k.purpose = 'index'
                       AND k.state = 'active')
  THEN
    RAISE EXCEPTION 'the keeper only goes to the active key: %', TG_TABLE_NAME USING ERRCODE = 'CE003';
  END IF;
  RETURN NEW;
END $$;
"""


def upgrade() -> None:
    _custody()
    _rotation()
    _indexes()


def _indexes() -> None:
    kept = {
        "patient_index": "value, index_key",
        "recipient": "name_index, npi_index, index_key",
        "account": "username_index, index_key",
    }
    for table in (*kept, "packet_link", "sign_in_slot"):
        op.add_column(table, sa.Column("index_key", sa.LargeBinary(), nullable=True))
    op.create_index(
        "uq_vault_key_next",
        "vault_key",
        ["program_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("state = 'next'"),
    )
    op.execute("DROP FUNCTION account_by_username(bytea)")
    op.execute("DROP FUNCTION packet_link_program(bytea)")
    op.execute(INDEXES)
    op.execute(f"GRANT SELECT, UPDATE (emptied_at) ON vault_key TO {LOOKUP}")
    op.execute(f"CREATE POLICY lookup ON vault_key TO {LOOKUP} USING (true)")
    op.execute(f"CREATE POLICY keeper ON patient_index TO {KEEPER} USING (true) WITH CHECK (true)")
    for table, columns in kept.items():
        op.execute(f"GRANT SELECT, UPDATE ({columns}) ON {table} TO {KEEPER}")
        op.execute(
            f"CREATE TRIGGER index_key_stands BEFORE INSERT OR UPDATE OF index_key ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION index_key_stands()"
        )
        op.execute(
            f"CREATE TRIGGER keeper_indexes_again BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW "
            f"WHEN (current_user = '{KEEPER}') EXECUTE FUNCTION keeper_indexes_again()"
        )
    op.execute(f"GRANT CREATE ON SCHEMA public TO {LOOKUP}")
    for function in (
        "account_by_username(bytea[])",
        "packet_link_program(bytea[])",
        "service_index_keys()",
        "index_key_stands()",
    ):
        op.execute(f"ALTER FUNCTION {function} OWNER TO {LOOKUP}")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP}, {KEEPER}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {LOOKUP}")


def _rotation() -> None:
    op.add_column("vault_key", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("vault_key", sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "vault_key", sa.Column("uses", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.create_table(
        "vault_rotation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_rotation")),
    )
    op.create_index(
        "uq_vault_rotation_kind_open",
        "vault_rotation",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON vault_rotation TO {APP}")
    # the verifier looks for acts without an entry
    op.execute(f"GRANT SELECT (entry_id) ON vault_rotation TO {SEQUENCER}")
    op.execute(
        "CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON vault_rotation "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
    )
    op.execute(KEEPING)
    op.execute(f"GRANT USAGE ON SCHEMA public TO {KEEPER}")
    op.execute(f"GRANT SELECT ON alembic_version, vault_key TO {KEEPER}")
    op.execute(f"GRANT UPDATE (emptied_at) ON vault_key TO {KEEPER}")
    op.execute(f"CREATE POLICY keeper ON vault_key TO {KEEPER} USING (true) WITH CHECK (true)")
    for table, columns in SEALED.items():
        names = ", ".join(f"'{column}'" for column in columns.split(", "))
        op.execute(f"SELECT keeper_may_seal_again('{table}', {names})")


def _custody() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_legal_hold_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index(
        "ix_legal_hold_program_id_patient_id_state", "legal_hold", ["program_id", "patient_id", "state"]
    )
    op.create_table(
        "shredding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epochs", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_shredding_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shredding")),
    )
    op.create_index("ix_shredding_program_id_state", "shredding", ["program_id", "state"])
    op.create_index(
        "uq_shredding_patient_id",
        "shredding",
        ["patient_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'declined'"),
    )
    _guard("legal_hold", "shredding")
    op.alter_column("care_plan_paragraph", "mark", nullable=True)
    op.alter_column("packet_link", "token_index", nullable=True)
    op.execute(f"GRANT DELETE ON sign_in_slot TO {APP}")
    _mark()


def _guard(*tables: str) -> None:
    tenant = f"TO {APP} USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} {tenant}")
        op.execute(f"CREATE POLICY sequencer ON {table} FOR SELECT TO {SEQUENCER} USING (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {APP}")
        op.execute(f"GRANT SELECT (program_id, entry_id) ON {table} TO {SEQUENCER}")
        op.execute(
            f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
        )


def _mark() -> None:
    op.create_table(
        "vault_mark",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_vault_mark_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_mark")),
    )
    op.execute("INSERT INTO vault_mark (id, mark) VALUES (1, 0)")
    op.execute(f"GRANT SELECT, UPDATE ON vault_mark TO {APP}")
    op.execute(f"GRANT SELECT ON vault_mark TO {LOOKUP}")
    op.execute(f"DROP FUNCTION {SESSION_CALLER}")
    op.execute(SESSION_CALLER_WITH_MARK)
    op.execute(f"GRANT CREATE ON SCHEMA public TO {LOOKUP}")
    op.execute(f"ALTER FUNCTION {SESSION_CALLER} OWNER TO {LOOKUP}")
    op.execute(f"REVOKE ALL ON FUNCTION {SESSION_CALLER} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SESSION_CALLER} TO {APP}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {LOOKUP}")


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0006 cannot be undone; restore a backup instead")
