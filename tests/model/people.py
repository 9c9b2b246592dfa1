"""Acts around patients, charts and accounts: made, read, found, refused, repeated, in conflict."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from service.errors import Code, Unavailable
from service.work import Work
from tests.model.told import Said
from tests.model.world import PASSWORD, World, made

PICK = st.integers(0, 2**16)
_NOBODY = {"family_name": "Nobodyhere", "birth_date": "1991-04-05"}


def picked(choices: list[str], pick: int) -> str:
    return choices[pick % len(choices)]


class People(RuleBasedStateMachine):
    """`patients` are those of the program, the first one with a chart; `versions` their details' versions."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[str, int] = {}
        self.registered: list[tuple[dict[str, str], dict[str, Any], str]] = []
        self.number = 0

    # -- made and repeated ------------------------------------------------------------------------------------

    @rule()
    def register(self) -> None:
        self.number += 1
        key = {"Idempotency-Key": str(uuid4())}
        body = {"given_name": "Kim", "family_name": f"Testperson{self.number}", "birth_date": "1988-03-02"}
        answer = self.world.act(
            self.world.intake, "POST", "/patients", 201, made("patient.register"), json=body, headers=key
        )
        self.world.patients.append(answer.json()["id"])
        self.registered.append((key, body, answer.json()["id"]))

    @rule(pick=PICK)
    def register_again(self, pick: int) -> None:
        """The same under the same key is one patient, read once more; anything else under it is a conflict."""
        if not self.registered:
            return
        key, body, known = self.registered[pick % len(self.registered)]
        world, reads = self.world, [Said("patient.read", known)]
        answer = world.act(world.intake, "POST", "/patients", 201, reads, json=body, headers=key)
        assert answer.json()["id"] == known
        world.act(world.intake, "POST", "/patients", 409, json=body | {"given_name": "Kay"}, headers=key)

    @rule()
    def write_item(self) -> None:
        body = {"kind": "progress_note", "unit": "U1", "labels": ["SUD"], "content": "came"}
        path = f"/patients/{self.world.patient_id}/items"
        self.world.act(self.world.clinician, "POST", path, 201, made("item.write"), json=body)

    @rule()
    def register_what_cannot_be(self) -> None:
        self.world.act(self.world.intake, "POST", "/patients", 422, json={"family_name": "Testperson"})

    @rule()
    def given_up_before_the_commit(self) -> None:
        """The entry is already in the transaction when the unit fails: of such an act nothing is left."""

        def fails(_: Work) -> None:
            raise Unavailable(Code.UNAVAILABLE, "Not now.", retry_after=1)

        body = {"given_name": "Kim", "family_name": "Nobodyhere", "birth_date": "1988-03-02"}
        with patch.object(Work, "close", fails):
            self.world.act(self.world.intake, "POST", "/patients", 503, json=body)

    # -- read and found ---------------------------------------------------------------------------------------

    @rule(pick=PICK)
    def read_patient(self, pick: int) -> None:
        patient = picked(self.world.patients, pick)
        says = [Said("patient.read", patient)]
        self.world.act(self.world.intake, "GET", f"/patients/{patient}", 200, says)

    @rule(pick=PICK)
    def read_history(self, pick: int) -> None:
        patient = picked(self.world.patients, pick)
        says = [Said("patient.read", patient)]
        self.world.act(self.world.intake, "GET", f"/patients/{patient}/history", 200, says)

    @rule(pick=PICK)
    def read_item(self, pick: int) -> None:
        item = picked(list(self.world.office.items.values()), pick)
        self.world.act(self.world.clinician, "GET", f"/items/{item}", 200, [Said("item.read", item)])

    @rule()
    def find_patient(self) -> None:
        """Who is found by a search was seen: one entry for the search, one for each patient shown."""
        body = {"family_name": "Testperson", "birth_date": "1990-04-05"}
        says = [Said("patient.search"), Said("patient.search", self.world.patient_id)]
        self.world.act(self.world.intake, "POST", "/patients/search", 200, says, json=body)

    @rule()
    def find_nobody(self) -> None:
        says = [Said("patient.search")]
        self.world.act(self.world.intake, "POST", "/patients/search", 200, says, json=_NOBODY)

    @rule()
    def list_caseload(self) -> None:
        says = [Said("caseload.read"), Said("caseload.read", self.world.patient_id)]
        self.world.act(self.world.clinician, "GET", "/caseload", 200, says)

    @rule()
    def list_recipients(self) -> None:
        says = [Said("recipient.list")]
        self.world.act(self.world.intake, "GET", "/recipients", 200, says)

    # -- changed ----------------------------------------------------------------------------------------------

    @rule(pick=PICK, sex=st.sampled_from(("female", "male", "other")))
    def change_patient(self, pick: int, sex: str) -> None:
        patient = picked(self.world.patients, pick)
        version = self.versions.get(patient, 1)
        answer = self.world.act(
            self.world.intake,
            "PATCH",
            f"/patients/{patient}",
            200,
            [Said("patient.update", patient)],
            json={"sex": sex},
            version=version,
        )
        self.versions[patient] = answer.json()["version"]

    @rule(pick=PICK)
    def change_what_changed_meanwhile(self, pick: int) -> None:
        patient = picked(self.world.patients, pick)
        stale = self.versions.get(patient, 1) + 7
        path, body = f"/patients/{patient}", {"sex": "other"}
        self.world.act(self.world.intake, "PATCH", path, 412, json=body, version=stale)

    @rule(pick=PICK)
    def change_without_saying_what(self, pick: int) -> None:
        path = f"/patients/{picked(self.world.patients, pick)}"
        self.world.act(self.world.intake, "PATCH", path, 428, json={"sex": "other"})

    # -- refused ----------------------------------------------------------------------------------------------

    @rule(pick=PICK)
    def refused_for_the_purpose(self, pick: int) -> None:
        path = f"/patients/{picked(self.world.patients, pick)}"
        says = [Said("patient.read", None, "deny")]
        self.world.act(self.world.administrator, "GET", path, 403, says)

    @rule(pick=PICK)
    def refused_for_the_role(self, pick: int) -> None:
        patient = picked(self.world.patients, pick)
        says = [Said("patient.watch", patient, "deny")]
        body = {"kind": "vip", "reason": "in the public eye"}
        self.world.act(self.world.intake, "POST", f"/patients/{patient}/watches", 403, says, json=body)

    @rule(pick=PICK)
    def refused_without_a_relationship(self, pick: int) -> None:
        patient = picked(self.world.patients, pick)
        says = [Said("patient.read", patient, "deny")]
        self.world.act(self.world.stranger, "GET", f"/patients/{patient}", 403, says)

    @rule(pick=PICK)
    def refused_in_another_program(self, pick: int) -> None:
        path = f"/patients/{picked(self.world.patients, pick)}"
        says = [Said("patient.read", None, "deny")]
        self.world.act(self.world.neighbour, "GET", path, 404, says)

    @rule()
    def nothing_is_there(self) -> None:
        says = [Said("patient.read", None, "deny")]
        self.world.act(self.world.intake, "GET", f"/patients/{uuid4()}", 404, says)

    @rule()
    def no_such_way(self) -> None:
        self.world.act(self.world.intake, "GET", "/no-such-thing", 404)

    # -- signing in -------------------------------------------------------------------------------------------

    @rule()
    def sign_in(self) -> None:
        world = self.world
        answer, request, began = world.sign_in(world.username, PASSWORD)
        assert answer.status_code == 200, answer.text
        said = (Said("sign_in.succeeded", "untold"),)
        world.take_down(request, "signing in", world.person, said, began)

    @rule()
    def sign_in_as_nobody(self) -> None:
        answer, request, began = self.world.sign_in(f"nobody-{uuid4().hex[:8]}", "a wrong word or two")
        assert answer.status_code == 401, answer.text
        said = (Said("sign_in.refused", None, "deny"),)
        self.world.take_down(request, "signing in as nobody", None, said, began)

    @rule()
    def sign_in_with_the_wrong_password(self) -> None:
        """Nobody has shown who they are. Then with the right one, so that the name is never locked."""
        world = self.world
        answer, request, began = world.sign_in(world.username, "a wrong word or two")
        assert answer.status_code == 401, answer.text
        said = (Said("sign_in.refused", world.person, "deny"),)
        world.take_down(request, "a wrong password", None, said, began)
        self.sign_in()

    @rule()
    def who_am_i(self) -> None:
        says = [Said("account.read_self", str(self.world.intake.who.id))]
        self.world.act(self.world.intake, "GET", "/auth/me", 200, says)

    @rule()
    def call_without_a_session(self) -> None:
        """Counted, and one entry a minute says how many there were."""
        request, began = str(uuid4()), datetime.now(UTC)
        headers = {"X-Request-Id": request, "Authorization": "Bearer nobody"}
        answer = self.world.house.http.get("/api/v1/auth/me", headers=headers)
        assert answer.status_code == 401
        self.world.take_down(request, "a call without a session", None, (), began)
        self.world.book.strangers += 1
