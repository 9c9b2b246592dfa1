"""A fresh program with people, a chart and an older disclosure's recipient, and the one way in which acts are made."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from service.access.caller import CallerKind, Role
from service.identity import accounts, passwords
from service.identity.accounts import NewAccount
from tests.house import Client, House, Service, open_program, verify_ledger
from tests.integration.disclosure.office import Office
from tests.model.told import Act, Book, Said, database_time, ledger_since

PASSWORD = "seven quiet herons over slate"
Says = Iterable[Said] | Callable[[Any], Iterable[Said]]
#: Between the database's clock and the test's there is one machine, and a request in between.
_SKEW = timedelta(milliseconds=5)


def made(action: str, outcome: str = "permit") -> Callable[[Any], Iterable[Said]]:
    """One entry about what the answer says was made."""
    return lambda answer: [Said(action, answer.json()["id"], outcome)]


class World:
    """The program of one example; `book` takes down what its callers are told."""

    def __init__(self, house: House, book: Book, password_hash: str) -> None:
        self.house = house
        self.book = book
        self.began = database_time(house)
        self.service: Service = open_program(house)
        self.other: Service = open_program(house)
        self.office = Office(self.service)
        self.office.chart()
        assert self.office.clinic
        assert self.office.lawyer
        self.patient_id = self.office.patient_id
        self.patients: list[str] = [self.patient_id]
        self.intake, self.clinician = self.office.intake, self.office.clinician
        self.patient, self.requester = self.office.patient, self.office.outside()
        self.compliance = self.service.client("compliance", purpose="HOPERAT")
        self.administrator = self.service.client("administrator")
        self.neighbour = self.other.client("intake")
        self.stranger = self.service.client(self.service.account("clinician", name="stranger"), "ETREAT")
        self.username = f"ina.testperson-{uuid4().hex[:8]}"
        self.person = self._person(password_hash)
        self.house.sequence()
        book.set_up |= {row["request_id"] for row in ledger_since(house, self.began)}

    def _person(self, password_hash: str) -> str:
        new = NewAccount(
            kind=CallerKind.STAFF,
            username=self.username,
            display_name="Ina Testperson",
            password_hash=password_hash,
            roles=frozenset({Role.INTAKE}),
            units=frozenset({"U1"}),
        )
        caller = self.administrator.who.caller
        return str(self.service.work(caller, lambda work: accounts.create_account(work, new)).id)

    def act(
        self,
        who: Client,
        method: str,
        path: str,
        status: int,
        says: Says = (),
        *,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """One request, its answer, and in the book the entries that `says` it leaves."""
        self.service.clock.advance(timedelta(seconds=1))
        request, began = str(uuid4()), datetime.now(UTC) - _SKEW
        sent = {"X-Request-Id": request, **(headers or {})}
        answer = who.request(method, path, headers=sent, **options)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        assert answer.headers["X-Request-Id"] == request
        entries = tuple(says(answer) if callable(says) else says)
        self.take_down(request, f"{method} {path} ({status})", str(who.who.id), entries, began)
        return answer

    def take_down(
        self, request: str, what: str, actor: str | None, says: tuple[Said, ...], began: datetime
    ) -> None:
        self.book.note(request, Act(what, actor, says, began, datetime.now(UTC) + _SKEW))

    def sign_in(self, username: str, password: str) -> Any:
        """One attempt; the caller says what follows with `take_down`."""
        form = {"grant_type": "password", "username": username, "password": password}
        request, began = str(uuid4()), datetime.now(UTC) - _SKEW
        answer = self.house.http.post("/api/v1/auth/token", data=form, headers={"X-Request-Id": request})
        return answer, request, began

    def close(self) -> None:
        verify_ledger(self.service)


def password_hash() -> str:
    """Made once for a run: it is slow on purpose."""
    return passwords.hash_password(PASSWORD)


def positions(house: House, tree: UUID) -> list[str]:
    """Entry ids of a tree by position; AssertionError where a position is missing or taken twice."""
    with house.superuser() as db:
        rows = db.execute(
            "SELECT position, entry_id::text FROM audit_leaf WHERE tree = %s ORDER BY position", [tree]
        ).fetchall()
    assert [row[0] for row in rows] == list(range(len(rows))), "positions have a gap"
    return [row[1] for row in rows]


__all__ = ["PASSWORD", "World", "made", "password_hash", "positions"]
