"""The keys of the blind indexes are replaced: whoever was found is found in every step; nothing stays under the old."""

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier, Thread
from unittest.mock import patch
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Engine, LargeBinary

from service.access.caller import CallerKind, Role
from service.cli.operator import Operator
from service.custody.reindexed import AGAIN, FORMER, PROOF, TABLES
from service.custody.rotating import Acts, begin, finished, forget_former
from service.custody.wiping.fingerprints import STAYING, TAKEN
from service.errors import Conflict
from service.identity import accounts
from service.identity import records as identity
from service.identity.accounts import NewAccount
from service.identity.lockout import MAX_ATTEMPTS
from service.identity.passwords import nobodys_hash
from service.identity.programs import SERVICE
from service.identity.signin import begin as begin_sign_in
from service.identity.signin import user_names
from service.ids import SERVICE_PROGRAM
from service.people import finding
from service.store.base import metadata
from service.store.engine import plain_engine
from service.vault import keyring, reindexing
from service.vault.indexing import IndexKeys
from service.vault.vault import Vault
from service.work import Mechanisms, Work
from tests.house import Cluster, House, Service, verify_ledger
from tests.integration.delivery.test_links import Doorway
from tests.serving import command
from tests.showing import Counted

#: Where a command is broken off: at so many signs of progress. In `make battery` in as many places as every rotation of
#: a deployment with this many programs has.
PLACES = range(1, 12) if os.environ.get("CONSENTRY_BATTERY") == "1" else (9,)
STEPS = ("announce", "put in place", "sweep", "finish")


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A deployment of its own: user names are under a key of the deployment."""
    built = House(cluster, "consentry_reindexing", tmp_path_factory.mktemp("reindexing"))
    try:
        yield built
    finally:
        built.close()


_DAYS = count(1)


@pytest.fixture(autouse=True)
def later(service: Service) -> None:
    """Each test on a later day: a rotation replaces the keys that are older than it, here those of the test before."""
    service.clock.set(datetime.now(UTC) + timedelta(days=next(_DAYS)))


@pytest.fixture
def keeper(service: Service) -> Engine:
    assert service.house.settings.keeper_database_url
    return plain_engine(service.house.settings.keeper_database_url)


class Replacing:
    """One rotation of the index keys, step by step."""

    def __init__(self, service: Service, keeper: Engine) -> None:
        self.service, self.keeper = service, keeper
        self.operator = Operator(service.house.settings, service.clock)
        self.acts = Acts(self.operator, [SERVICE, service.program])
        service.clock.advance(timedelta(minutes=1))
        self.rotation = self.operator.act(lambda work: begin(work, "index"), SERVICE)

    def step(self, name: str) -> None:
        now = self.service.clock.now
        match name:
            case "announce":
                reindexing.announce(self.acts, self.rotation.began_at, now)
            case "put in place":
                assert reindexing.put_in_place(self.acts, now) == 2
            case "sweep":
                swept = reindexing.sweep(self.keeper, lambda: fresh(self.service), TABLES)
                assert swept.damaged == {}
            case _:
                assert reindexing.finish(self.keeper, now(), settled=0) is not None
                self.operator.act(lambda work: finished(work, self.rotation, 0), SERVICE)

    def all(self) -> None:
        for name in STEPS:
            self.step(name)


def fresh(service: Service) -> Vault:
    return Vault(keyring.load(service.house.settings.keyring))


def seen_by(service: Service) -> IndexKeys:
    """The index keys of the program as a process that knows nothing yet sees them."""
    return service.unit(lambda db: fresh(service).index_keys(db, service.program_id))


def of_the_service(service: Service) -> IndexKeys:
    return service.unit(lambda db: fresh(service).index_keys(db, SERVICE_PROGRAM))


@dataclass
class Town:
    """People, recipients and accounts, and every way in which they are looked for."""

    service: Service
    patients: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    recipients: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    users: dict[str, UUID] = field(default_factory=dict[str, UUID])
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def settle(self) -> None:
        """One more of each."""
        number, desk = next(self.numbers), self.service.client("intake")
        letters = f"{chr(96 + number)}{uuid4().hex}"
        person = {
            "family_name": f"Testperson {letters}",
            "given_name": f"Uli {letters}",
            "birth_date": f"19{number + 10}-04-05",
        }
        made = desk.post("/patients", {**person, "phone": f"555010{number:04}"})
        assert made.status_code == 201, made.text
        self.patients[made.json()["id"]] = person
        party = {"type": "entity", "name": f"House {letters}", "npi": npi(self.service, number)}
        made = desk.post("/recipients", party)
        assert made.status_code == 201, made.text
        self.recipients[made.json()["id"]] = party
        name = f"uli.{letters}"[:40]
        self.users[name] = take_name(self.service, self.service.house.state.mechanisms, name)

    def holds(self) -> int:
        """Everybody is found by every search, and no name is free; how many searches that were."""
        desk, done = self.service.client("intake"), 0
        for patient_id, person in self.patients.items():
            for given in (person, {name: person[name] for name in ("family_name", "birth_date")}):
                found = desk.post("/patients/search", dict(given)).json()["items"]
                assert [one["id"] for one in found] == [patient_id]
                done += 1
        for recipient_id, party in self.recipients.items():
            for by in ("name", "npi"):
                found = desk.get("/recipients", params={by: party[by]}).json()["items"]
                assert [one["id"] for one in found] == [recipient_id]
                done += 1
        for name, account_id in self.users.items():
            assert account_of(self.service, name) == account_id
            with pytest.raises(Conflict):
                take_name(self.service, self.service.house.state.mechanisms, name)
            done += 1
        return done


def npi(service: Service, number: int) -> str:
    """A National Provider Identifier with its check digit, of nobody (CMS: Luhn with the prefix 80840)."""
    first = f"1{service.program_id.int % 10**5:05}{number:03}"
    digits = [int(digit) for digit in "80840" + first]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::-2]]
    return first + str(-(sum(doubled) + sum(digits[-2::-2])) % 10)


def take_name(service: Service, mechanisms: Mechanisms, name: str) -> UUID:
    """Make an account of this name, in a process with these mechanisms."""
    new = NewAccount(
        kind=CallerKind.STAFF,
        username=name,
        display_name="Uli Testperson",
        password_hash=nobodys_hash(),
        roles=frozenset({Role.INTAKE}),
        units=frozenset({"U1"}),
    )
    caller = service.account("administrator").caller

    def act(db: Connection) -> UUID:
        work = Work(mechanisms, db, caller, service.program, service.clock.now(), purpose="TREAT")
        made = accounts.create_account(work, new)
        work.close()
        return made.id

    return service.unit(act)


class _Process(Vault):
    """The vault of a process that knows the service's index keys as they once were."""

    def __init__(self, service: Service, seen: IndexKeys) -> None:
        super().__init__(keyring.load(service.house.settings.keyring))
        self._seen = seen

    def index_keys(self, db: Connection, program_id: UUID) -> IndexKeys:
        return self._seen if program_id == SERVICE_PROGRAM else super().index_keys(db, program_id)


def account_of(service: Service, name: str) -> UUID | None:
    def look(db: Connection) -> UUID | None:
        keys = service.house.state.mechanisms.vault.index_keys(db, SERVICE_PROGRAM)
        found = identity.candidate(db, user_names(keys, name))
        return found and found.account_id

    return service.unit(look)


def every_fingerprint(service: Service) -> set[bytes]:
    """Whatever stands in a column of keyed hashes, anywhere in the database."""
    found: set[bytes] = set()
    with service.house.superuser() as root:
        for table in metadata.tables.values():
            for column in table.columns:
                if type(column.type) is LargeBinary and column.name not in ("index_key", "wrapped"):
                    rows = root.execute(
                        SQL("SELECT {} FROM {}").format(Identifier(column.name), Identifier(table.name))
                    ).fetchall()
                    found |= {bytes(row[0]) for row in rows if row[0] is not None}
    return found


def values_of(town: Town, keys: IndexKeys, names: IndexKeys) -> set[bytes]:
    """What the town is found by, under these keys."""
    found = {user_names(names, name).now for name in town.users}
    for person in town.patients.values():
        found |= {keys.value("patient_index", one.index.value, one.value) for one in finding.terms(person)}
    for party in town.recipients.values():
        found |= {keys.value("recipient", "npi", party["npi"])}
    return found


@pytest.mark.shows("O-30")
def test_everybody_is_found_in_every_step_and_nothing_stays_under_the_old_key(
    service: Service, keeper: Engine, counted: Counted
) -> None:
    town = Town(service)
    town.settle()
    keys, names = seen_by(service), of_the_service(service)
    assert values_of(town, keys, names) <= every_fingerprint(service)
    with service.house.superuser() as root:  # as rows of an earlier version are, which did not say
        root.execute("SET session_replication_role = replica")
        for table in ("patient_index", "recipient", "account"):
            root.execute(SQL("UPDATE {} SET index_key = NULL").format(Identifier(table)))
    searches = town.holds()
    replacing = Replacing(service, keeper)
    for name in STEPS:
        replacing.step(name)
        searches += town.holds()
        town.settle()
        searches += town.holds()
    counted("searches during a rotation of index keys", searches)
    there = every_fingerprint(service)
    assert not values_of(town, keys, names) & there
    assert values_of(town, seen_by(service), of_the_service(service)) <= there
    assert [one.id for one in seen_by(service).searched] == [seen_by(service).id]
    assert keys.id in {one.id for one in seen_by(service).kept}  # what it proved it proves
    with service.house.superuser() as root:
        states = root.execute("SELECT state FROM vault_key WHERE purpose = 'index' ORDER BY state").fetchall()
    assert "next" not in {row[0] for row in states}
    verify_ledger(service)


@pytest.mark.shows("O-30")
def test_a_process_that_has_not_heard_yet_finds_and_is_found(service: Service, keeper: Engine) -> None:
    town, replacing = Town(service), Replacing(service, keeper)
    town.settle()
    replacing.step("announce")
    town.holds()  # the process has heard of the next key
    before = seen_by(service)
    with patch.object(service.house.state.mechanisms.vault, "forget_before"):  # and of nothing after it
        replacing.step("put in place")
        town.settle()
        assert town.holds()
        patient_id = list(town.patients)[-1]
        with service.house.superuser() as root:
            under = "SELECT DISTINCT index_key FROM patient_index WHERE patient_id = %s"
            assert root.execute(under, [patient_id]).fetchone() == (before.id,)
        replacing.step("sweep")
        town.holds()
        town.settle()  # again under the old key, after the sweep
        assert reindexing.finish(keeper, service.clock.now(), settled=0) is None
        replacing.step("sweep")
        replacing.step("finish")
        desk = service.client("intake")
        late = desk.post(
            "/patients", {"family_name": "Late", "given_name": "Uli", "birth_date": "1990-01-01"}
        )
        assert late.status_code == 503  # rather than where nobody looks
    service.house.state.mechanisms.vault.forget()
    town.settle()
    assert town.holds()


@pytest.mark.shows("O-30")
def test_two_processes_cannot_give_one_name_twice(service: Service, keeper: Engine, counted: Counted) -> None:
    replacing, mechanisms = Replacing(service, keeper), service.house.state.mechanisms
    replacing.step("announce")
    before = of_the_service(service)
    replacing.step("put in place")
    after = of_the_service(service)
    assert before.id != after.id
    assert {one.id for one in before.searched} == {one.id for one in after.searched}
    tries, processes = 12, [_Process(service, seen) for seen in (before, after)]
    for number in range(tries):
        name, made, start = f"one.{number}.{uuid4().hex[:12]}", list[UUID](), Barrier(2)

        def take(one: _Process, name: str = name, made: list[UUID] = made, start: Barrier = start) -> None:
            start.wait()
            with suppress(Conflict):
                made.append(take_name(service, replace(mechanisms, vault=one), name))

        threads = [Thread(target=take, args=(one,)) for one in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(made) == 1
    counted("user names taken twice at once", tries)
    replacing.step("sweep")
    replacing.step("finish")


@pytest.mark.shows("O-30")
def test_attempts_to_sign_in_are_counted_on_across_the_change(service: Service, keeper: Engine) -> None:
    name, mechanisms = f"uli.{uuid4().hex[:16]}", service.house.state.mechanisms
    take_name(service, mechanisms, name)

    def attempt() -> bool:
        return service.unit(lambda db: begin_sign_in(mechanisms, db, name, service.clock.now())).granted

    replacing, granted = Replacing(service, keeper), 0
    for step in STEPS:
        granted += attempt() + attempt()
        replacing.step(step)
    granted += sum(attempt() for _ in range(MAX_ATTEMPTS))
    assert granted == MAX_ATTEMPTS
    replacing.operator.act(forget_former, service.program)
    assert not attempt()  # a lock stands through everything
    with service.house.superuser() as root:
        kept = root.execute("SELECT DISTINCT index_key FROM sign_in_slot WHERE failures > 9").fetchall()
    assert [bytes(row[0]) for row in kept] == [of_the_service(service).id]


@pytest.mark.shows("O-30")
def test_a_link_made_before_opens_after_and_goes_when_it_is_over(service: Service, keeper: Engine) -> None:
    door = Doorway(service)
    assert door.make().status_code == 201
    token = door.token()
    former, operator = of_the_service(service).id, Operator(service.house.settings, service.clock)
    Replacing(service, keeper).all()
    operator.act(forget_former, service.program)
    assert door.open(token).status_code == 200
    assert under(service, "packet_link", former) == 1
    service.clock.advance(timedelta(hours=73))
    operator.act(forget_former, service.program)
    assert under(service, "packet_link", former) == 0
    assert door.open(token).status_code != 200
    told = [one["detail"] for one in service.entries(action="key.rotate")]
    assert {"what": "index", "step": "run_out", "links": 1, "slots": 0} in told


def under(service: Service, table: str, key: bytes) -> int:
    with service.house.superuser() as root:
        row = root.execute(
            SQL("SELECT count(*) FROM {} WHERE index_key = %s").format(Identifier(table)), [key]
        ).fetchone()
    assert row
    return row[0]


class _Killed(Exception):
    """The command ends here."""


@contextmanager
def _killing(at: int) -> Generator[Callable[[str, int, int], None]]:
    told = count(1)

    def show(_what: str, _done: int, _total: int) -> None:
        if next(told) == at:
            raise _Killed

    yield show


@pytest.mark.shows("O-30")
def test_broken_off_anywhere_it_ends_the_same_when_it_is_given_again(
    service: Service, counted: Counted
) -> None:
    town, again = Town(service), count(1)
    town.settle()
    with service.house.superuser() as root:
        row = root.execute(
            "SELECT count(*), count(DISTINCT program_id) FROM vault_key WHERE purpose = 'index'"
        ).fetchone()
    assert row
    first, programs = row
    clock, settings = service.clock, service.house.settings
    with (
        patch.dict(os.environ, settings.to_environment()),
        patch("service.cli.keys.SystemClock", lambda: clock),
    ):
        for at in PLACES:
            clock.advance(timedelta(minutes=1))
            key = seen_by(service).id
            with patch("service.cli.keys._bars", lambda at=at: _killing(at)), pytest.raises(_Killed):
                command("keys", "rotate", "index", "--settled", "0")
            town.holds()
            ended = command("keys", "rotate", "index", "--settled", "0")
            assert ended.returncode == 0, ended
            town.holds()
            assert under(service, "patient_index", key) == 0
            with service.house.superuser() as root:
                made = root.execute("SELECT count(*) FROM vault_key WHERE purpose = 'index'").fetchone()
            assert made
            assert made[0] == first + programs * next(again)  # one key more in each program, not two
        assert command("keys", "status").returncode == 0
    counted("rotations of index keys broken off", len(PLACES))


def test_the_keeper_changes_an_index_to_the_active_key_alone(service: Service, keeper: Engine) -> None:
    town = Town(service)
    town.settle()
    url = service.house.settings.keeper_database_url
    assert url
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as db:
        for statement in (
            "UPDATE patient_index SET value = 'x'",
            "UPDATE patient_index SET index_key = NULL",
            "UPDATE account SET username_index = 'x'",
            "UPDATE recipient SET name_index = 'x', index_key = gen_random_uuid()::text::bytea",
            "UPDATE patient_index SET patient_id = gen_random_uuid()",
            "DELETE FROM patient_index",
            "INSERT INTO patient_index (id) VALUES (gen_random_uuid())",
        ):
            with pytest.raises(psycopg.Error, match=r"permission denied|active key|nobody looks"):
                db.execute(statement)


def test_a_row_that_does_not_verify_keeps_the_old_key_in_use(service: Service, keeper: Engine) -> None:
    town = Town(service)
    town.settle()
    patient_id = next(iter(town.patients))
    with service.house.superuser() as root:
        flip = "set_byte(demographics, 40, get_byte(demographics, 40) # 1)"
        root.execute("SET session_replication_role = replica")
        root.execute(f"UPDATE patient SET demographics = {flip} WHERE id = %s", [patient_id])
        replacing = Replacing(service, keeper)
        replacing.step("announce")
        replacing.step("put in place")
        swept = reindexing.sweep(keeper, lambda: fresh(service), TABLES)
        assert swept.damaged == {"patient": (UUID(patient_id),)}
        assert reindexing.finish(keeper, service.clock.now(), settled=0) is None
        assert len(seen_by(service).searched) == 2
        root.execute(f"UPDATE patient SET demographics = {flip} WHERE id = %s", [patient_id])
    replacing.step("sweep")
    replacing.step("finish")
    town.holds()


def test_every_keyed_hash_has_its_way_through_a_change_of_the_key() -> None:
    every = {**TAKEN, **STAYING}
    others = {
        place
        for place in every
        if place[1] in ("mac", "index_key")
        or place[0] == "vault_key"
        or (place[0].startswith("audit_") and place != ("audit_entry", "payload_hash"))
        or place == ("idempotency", "key_hash")  # of a text the caller chose, under no key
    }
    ways = [AGAIN.keys(), FORMER.keys(), PROOF.keys(), others]
    assert set().union(*ways) == every.keys()
    assert sum(map(len, ways)) == len(every)
    assert {name for name, _ in AGAIN} == {
        "patient_index" if one.terms else one.sealed.name for one in TABLES
    }
