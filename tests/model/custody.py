"""Acts on the trail itself, holds and watches; and transactions that are long open or given up."""

from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy import Connection

from service.access.actions import Action
from service.work import Work, enter
from tests.model.people import PICK, picked
from tests.model.told import Said
from tests.model.world import World, made, positions

#: What the book calls an act that was no request.
LONG = "a long transaction"


class Custody(RuleBasedStateMachine):
    """Holds and watches that stand, entries of the trail whose ids were told, and a transaction held open."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.holds: list[str] = []
        self.watch: str | None = None
        self.entries: list[str] = []
        self.placed: list[str] = []
        self.held: tuple[ExitStack, Connection, str, str, datetime] | None = None

    # -- the trail --------------------------------------------------------------------------------------------

    @rule(sort=st.sampled_from(("recorded_at", "-occurred_at", "actor", "-action", "patient")))
    def search_trail(self, sort: str) -> None:
        answer = self.world.act(
            self.world.compliance, "GET", f"/audit/entries?limit=5&sort={sort}", 200, [Said("audit.read")]
        )
        self.entries = [item["id"] for item in answer.json()["items"]]

    @precondition(lambda self: self.entries)
    @rule(pick=PICK)
    def read_entry(self, pick: int) -> None:
        one = picked(self.entries, pick)
        says = [Said("audit.read", one)]
        self.world.act(self.world.compliance, "GET", f"/audit/entries/{one}", 200, says)

    @precondition(lambda self: self.placed)
    @rule(pick=PICK)
    def prove_entry(self, pick: int) -> None:
        one = picked(self.placed, pick)
        says = [Said("audit.read", one)]
        self.world.act(self.world.compliance, "GET", f"/audit/entries/{one}/proof", 200, says)

    @rule()
    def read_checkpoint(self) -> None:
        self.world.act(self.world.compliance, "GET", "/audit/checkpoint", 200, [Said("audit.read")])

    @rule()
    def refused_the_trail(self) -> None:
        says = [Said("audit.read", None, "deny")]
        self.world.act(self.world.clinician, "GET", "/audit/entries", 403, says)

    @rule()
    def refused_an_entry_there_is_not(self) -> None:
        says = [Said("audit.read", None, "deny")]
        self.world.act(self.world.compliance, "GET", f"/audit/entries/{uuid4()}", 404, says)

    @rule()
    def sort_by_what_cannot_be(self) -> None:
        self.world.act(self.world.compliance, "GET", "/audit/entries?sort=mac", 422)

    @rule(written=st.sampled_from(("csv", "ndjson", "fhir")))
    def export_trail(self, written: str) -> None:
        path = f"/audit/export?format={written}"
        answer = self.world.act(self.world.compliance, "GET", path, 200, [Said("audit.export")])
        assert answer.text

    @rule()
    def list_reviews(self) -> None:
        says = [Said("finding.list"), Said("review.list")]
        self.world.act(self.world.compliance, "GET", "/audit/reviews", 200, says)

    # -- holds and watches ------------------------------------------------------------------------------------

    @rule()
    def place_hold(self) -> None:
        world = self.world
        owner = str(world.compliance.who.id)
        body = {"patient_id": world.patient_id, "owner_id": owner, "reason": "a letter of the court"}
        answer = world.act(world.compliance, "POST", "/legal-holds", 201, made("hold.place"), json=body)
        self.holds.append(answer.json()["id"])

    @precondition(lambda self: self.holds)
    @rule()
    def lift_hold(self) -> None:
        one = self.holds.pop()
        path, says = f"/legal-holds/{one}/lifting", [Said("hold.lift", one)]
        self.world.act(self.world.compliance, "POST", path, 200, says, json={"reason": "it is over"})

    @rule()
    def list_holds(self) -> None:
        self.world.act(self.world.compliance, "GET", "/legal-holds", 200, [Said("hold.read")])

    @precondition(lambda self: self.watch is None)
    @rule()
    def watch_patient(self) -> None:
        path, body = f"/patients/{self.world.patient_id}/watches", {"kind": "vip", "reason": "is well known"}
        answer = self.world.act(self.world.compliance, "POST", path, 201, made("patient.watch"), json=body)
        self.watch = answer.json()["id"]

    @precondition(lambda self: self.watch is not None)
    @rule()
    def end_watch(self) -> None:
        one, self.watch = self.watch, None
        path, says = f"/watches/{one}/end", [Said("patient.watch", one)]
        self.world.act(self.world.compliance, "POST", path, 200, says, json={"reason": "no longer"})

    # -- transactions and positions ---------------------------------------------------------------------------

    @precondition(lambda self: self.held is None)
    @rule()
    def hold_a_transaction_open(self) -> None:
        """An act that has its entry and does not commit, while others go on."""
        world, service, stack = self.world, self.world.service, ExitStack()
        db = stack.enter_context(world.house.engine.connect())
        request, began = str(uuid4()), datetime.now(UTC)
        enter(db, service.program_id)
        caller, mechanisms = world.intake.who.caller, world.house.state.mechanisms
        now = world.service.clock.now()
        work = Work(mechanisms, db, caller, service.program, now, purpose="TREAT", request_id=request)
        work.require(Action.RECIPIENT_LIST)
        entry = work.record(action=Action.RECIPIENT_LIST, object_kind="recipient", object_id=None)
        work.close()
        self.held = (stack, db, request, str(entry), began)

    @precondition(lambda self: self.held is not None)
    @rule(kept=st.booleans())
    def let_the_transaction_end(self, kept: bool) -> None:
        """Committed it takes its place behind what was placed meanwhile; given up, nobody notices."""
        assert self.held is not None
        stack, db, request, entry, began = self.held
        self.held = None
        said = (Said("recipient.list"),) if kept else ()
        if kept:
            db.commit()
        else:
            db.rollback()
        stack.close()
        self.world.take_down(request, LONG, str(self.world.intake.who.id), said, began)
        self.sequence()
        assert (entry in self.placed) == kept, "an entry of a long transaction was lost, or came of nothing"

    @rule()
    def sequence(self) -> None:
        """Who has a position keeps it, there is no gap, and what is not committed has none."""
        before = self.placed
        self.world.house.sequence()
        self.placed = positions(self.world.house, self._tree)
        assert self.placed[: len(before)] == before, "a position changed"
        assert self.held is None or self.held[3] not in self.placed

    @property
    def _tree(self) -> UUID:
        return self.world.service.program_id

    def end(self) -> None:
        """Nothing is left open."""
        if self.held is not None:
            self.let_the_transaction_end(kept=True)
