"""What the tests of the trail's months do behind the service's back."""

from datetime import datetime, timedelta
from uuid import UUID

from service.ledger.checkpoint import origin_of
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.verify import Report, verify
from tests.house import House, Service

NEWEST = (
    "SELECT max(relname) FROM pg_class WHERE relname ~ '^audit_entry_20[0-9]{2}_[0-9]{2}$' AND relispartition"
)


def made(house: House, begin: str) -> None:
    with house.superuser() as root:
        root.execute("SET ROLE consentry_owner")
        root.execute("SELECT audit_add_month(%s::timestamp)", [begin])


def part_of(house: House, entry_id: UUID) -> str:
    with house.superuser() as root:
        found = root.execute(
            "SELECT tableoid::regclass::text FROM audit_entry WHERE id = %s", [entry_id]
        ).fetchone()
    assert found is not None
    return str(found[0])


def without_triggers(house: House, statement: str) -> None:
    with house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(statement)  # type: ignore[arg-type]


def attach_again(house: House, begin: datetime) -> None:
    """For the tests after this one."""
    part, following = f"audit_entry_{begin:%Y_%m}", (begin + timedelta(days=32)).replace(day=1)
    with house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(
            f"DROP TRIGGER append_only ON {part}; DROP POLICY tenant ON {part}; "  # type: ignore[arg-type]
            f"REVOKE ALL ON {part} FROM consentry_app, consentry_sequencer; "
            f"ALTER TABLE audit_entry ATTACH PARTITION {part} FOR VALUES FROM ("
            f"audit_first_id('{begin:%Y-%m-%d}')) TO (audit_first_id('{following:%Y-%m-%d}'))"
        )


def intact(service: Service) -> bool:
    return report_of(service).intact


def report_of(service: Service) -> Report:
    house = service.house
    with house.sequencer_engine.connect() as db:
        begin_snapshot(db)
        return verify(
            DatabaseSource(db, service.program_id),
            origin_of(house.settings.deployment, service.program.key),
            public_key=house.state.sequencer.signer.public_key,
            mac_keys=[house.state.mechanisms.ledger_mac_key],
        )
