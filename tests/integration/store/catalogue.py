"""What a database says about itself: tables, columns, guards, rights and functions, and the content of its tables.

Months of the trail are told apart by name alone, so all of them are said to be `audit_entry_MONTH`.
"""

import re
from typing import Any, Final

import psycopg

_MONTH: Final = re.compile(r"audit_entry_[0-9]{4}_[0-9]{2}")
_SAID: Final = {
    "tables": """
SELECT c.relname, c.relkind, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity, c.relispartition
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')""",
    "columns": """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')""",
    "constraints": """
SELECT conrelid::regclass, conname, contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace""",
    "indexes": """
SELECT x.indrelid::regclass, x.indisvalid, pg_get_indexdef(x.indexrelid) FROM pg_index x
  JOIN pg_class c ON c.oid = x.indrelid WHERE c.relnamespace = 'public'::regnamespace""",
    "triggers": """
SELECT t.tgrelid::regclass, t.tgenabled, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT (t.tgisinternal AND t.tgconstraint <> 0)""",
    "policies": """
SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies""",
    "rights on tables": """
SELECT c.relname, r.grantee::regrole, r.privilege_type, r.is_grantable
  FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) r
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')""",
    "rights on columns": """
SELECT c.relname, a.attname, r.grantee::regrole, r.privilege_type
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) r
 WHERE c.relnamespace = 'public'::regnamespace""",
    "functions": """
SELECT p.oid::regprocedure, p.proowner::regrole, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace""",
    "rights in the schema": """
SELECT r.grantee::regrole, r.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) r WHERE n.nspname = 'public'""",
}
_NAMES: Final = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 GROUP BY c.relname"""


def catalogue(root: psycopg.Connection[Any]) -> dict[str, set[str]]:
    """By kind, one line for each thing there is."""
    return {
        kind: {_MONTH.sub("audit_entry_MONTH", repr(row)) for row in root.execute(statement).fetchall()}
        for kind, statement in _SAID.items()  # pyright: ignore[reportArgumentType]
    }


def columns(root: psycopg.Connection[Any]) -> dict[str, str]:
    """Table to the names of its columns, by name; those of a table by month stand with it."""
    return dict(root.execute(_NAMES).fetchall())


def content(root: psycopg.Connection[Any], of: dict[str, str]) -> dict[str, tuple[int, str]]:
    """(rows, hash over all of them) of every table, over the columns named."""
    parts = " UNION ALL ".join(
        f"SELECT '{table}', count(*), md5(coalesce(string_agg(one, E'\\n' ORDER BY one), '')) "
        f"FROM (SELECT ROW({names})::text AS one FROM {table}) AS {table}_rows"
        for table, names in of.items()
    )
    return {table: (many, hashed) for table, many, hashed in root.execute(parts)}  # type: ignore[arg-type]
