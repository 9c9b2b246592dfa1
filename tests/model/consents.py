"""Acts around consents, disclosures, emergencies and restrictions."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.integration.disclosure.office import SIGNATURE, SOUGHT, TPO
from tests.model.people import PICK, picked
from tests.model.told import UNTOLD, Said
from tests.model.world import World, made

_WHY = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}


def _delivered(answer: Any) -> list[Said]:
    """The request, and the disclosure it led to; counselling notes stay here, and nobody outside hears of them."""
    made_of_it = answer.json()["package"]["disclosure_id"]
    return [Said("records.request", UNTOLD), Said("disclosure.make", made_of_it, "partial")]


class Consents(RuleBasedStateMachine):
    """Consents by state; what left the house, in its order; the emergency access that is open."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.drafts: list[str] = []
        self.active: list[str] = []
        self.over: list[str] = []
        self.disclosed: list[str] = []
        #: Of what was disclosed whole, the consent that it rests on.
        self.rests: dict[str, str] = {}
        self.grant: str | None = None
        self.asked: list[str] = []
        self.agreed: list[str] = []

    def _of_patient(self, path: str) -> str:
        return f"/patients/{self.world.patient_id}/{path}"

    # -- consents ---------------------------------------------------------------------------------------------

    @rule()
    def draft(self) -> None:
        world = self.world
        path = self._of_patient("consents")
        self.drafts.append(
            world.act(world.intake, "POST", path, 201, made("consent.draft"), json=TPO).json()["id"]
        )

    @precondition(lambda self: self.drafts)
    @rule()
    def sign(self) -> None:
        consent = self.drafts.pop()
        path, says = f"/consents/{consent}/signatures", [Said("consent.sign", consent)]
        self.world.act(self.world.patient, "POST", path, 201, says, json=SIGNATURE)
        self.active.append(consent)

    @precondition(lambda self: self.active)
    @rule(pick=PICK)
    def sign_what_is_signed(self, pick: int) -> None:
        path = f"/consents/{picked(self.active, pick)}/signatures"
        self.world.act(self.world.patient, "POST", path, 409, json=SIGNATURE)

    @precondition(lambda self: self.active)
    @rule(pick=PICK)
    def revoke(self, pick: int) -> None:
        consent = picked(self.active, pick)
        self._revoke(consent, 200, [Said("consent.revoke", consent)])
        self.active.remove(consent)
        self.over.append(consent)

    @precondition(lambda self: self.over)
    @rule(pick=PICK)
    def revoke_what_is_over(self, pick: int) -> None:
        self._revoke(picked(self.over, pick), 409, [])

    def _revoke(self, consent: str, status: int, says: list[Said]) -> None:
        now = self.world.service.clock.now().isoformat().replace("+00:00", "Z")
        body = {"received_at": now, "form": "written", "by": "patient"}
        self.world.act(self.world.patient, "POST", f"/consents/{consent}/revocation", status, says, json=body)

    @precondition(lambda self: self.drafts or self.active or self.over)
    @rule(pick=PICK)
    def read_consent(self, pick: int) -> None:
        consent = picked(self.drafts + self.active + self.over, pick)
        self.world.act(self.world.intake, "GET", f"/consents/{consent}", 200, [Said("consent.read", consent)])

    @rule()
    def list_consents(self) -> None:
        says = [Said("consent.list")]
        self.world.act(self.world.intake, "GET", self._of_patient("consents"), 200, says)

    # -- disclosures ------------------------------------------------------------------------------------------

    @rule(partly=st.booleans())
    def disclose(self, partly: bool) -> None:
        """A consent to treatment covers attendance; counselling notes want one of their own."""
        office = self.world.office
        items = [office.items[kind] for kind in ("attendance", "counseling_note")[: 1 + partly]]
        body, path = office.asked(office.clinic, items=items), self._of_patient("disclosures")
        if not self.active:
            says = [Said("disclosure.make", None, "deny")]
            self.world.act(self.world.clinician, "POST", path, 403, says, json=body)
            return
        says = made("disclosure.make", "partial" if partly else "permit")
        answer = self.world.act(self.world.clinician, "POST", path, 201, says, json=body)
        made_now = answer.json()
        self.disclosed.append(made_now["id"])
        assert made_now["decision"]["effect"] == ("partial" if partly else "permit"), made_now
        assert made_now["decision"]["basis"]["consent_id"] in self.active
        if not partly:
            self.rests[made_now["id"]] = made_now["decision"]["basis"]["consent_id"]

    @rule()
    def disclose_for_what_nobody_agreed_to(self) -> None:
        office = self.world.office
        body = office.asked(office.lawyer, "HOUSING", items=[office.items["attendance"]])
        says = [Said("disclosure.make", None, "deny")]
        self.world.act(self.world.clinician, "POST", self._of_patient("disclosures"), 403, says, json=body)

    @rule()
    def preview(self) -> None:
        office = self.world.office
        body = office.asked(office.clinic, items=[office.items["attendance"]])
        says = [Said("disclosure.preview", None, "permit" if self.active else "deny")]
        path = self._of_patient("disclosures/preview")
        self.world.act(self.world.clinician, "POST", path, 200, says, json=body)

    @precondition(lambda self: self.disclosed)
    @rule(pick=PICK)
    def read_disclosure(self, pick: int) -> None:
        one = picked(self.disclosed, pick)
        says = [Said("disclosure.read", one)]
        self.world.act(self.world.clinician, "GET", f"/disclosures/{one}", 200, says)

    @precondition(lambda self: self.rests)
    @rule(pick=PICK)
    def fetch_package(self, pick: int) -> None:
        """Decided again at this moment, on the consent it left under."""
        one = picked(list(self.rests), pick)
        fine = self.rests[one] in self.active
        says = [Said("package.fetch", one, "permit" if fine else "deny")]
        path = f"/disclosures/{one}/package"
        self.world.act(self.world.clinician, "GET", path, 200 if fine else 403, says)

    @rule()
    def list_disclosures(self) -> None:
        says = [Said("disclosure.list")]
        self.world.act(self.world.clinician, "GET", self._of_patient("disclosures"), 200, says)

    @rule()
    def account_for_disclosures(self) -> None:
        """The accounting names every disclosure that was told to be made, and no other."""
        says = [Said("accounting.read")]
        answer = self.world.act(self.world.patient, "GET", self._of_patient("accounting"), 200, says)
        assert sorted(line["disclosure_id"] for line in answer.json()["items"]) == sorted(self.disclosed)

    @rule()
    def request_from_outside(self) -> None:
        """Somebody outside learns nothing of a request that is refused, not even its id."""
        body, path = {"patient": SOUGHT, "purpose": "TREAT"}, "/record-requests"
        if not self.active:
            says = [Said("records.request", UNTOLD, "deny")]
            self.world.act(self.world.requester, "POST", path, 404, says, json=body)
            return
        answer = self.world.act(self.world.requester, "POST", path, 200, _delivered, json=body)
        self.disclosed.append(answer.json()["package"]["disclosure_id"])

    # -- emergencies ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.grant is None)
    @rule()
    def break_glass(self) -> None:
        path = self._of_patient("emergency-access")
        answer = self.world.act(
            self.world.stranger,
            "POST",
            path,
            201,
            lambda answer: [Said("emergency.open", answer.json()["id"]), Said("review.open", UNTOLD)],
            json=_WHY,
        )
        self.grant = answer.json()["id"]

    @rule()
    def read_in_an_emergency(self) -> None:
        item, fine = self.world.office.items["attendance"], self.grant is not None
        says = [Said("item.read", item, "permit" if fine else "deny")]
        self.world.act(self.world.stranger, "GET", f"/items/{item}", 200 if fine else 403, says)

    @precondition(lambda self: self.grant is not None)
    @rule()
    def end_emergency(self) -> None:
        grant, self.grant = self.grant, None
        says = [Said("emergency.end", grant)]
        self.world.act(self.world.stranger, "POST", f"/emergency-access/{grant}/ending", 200, says, json={})

    # -- restrictions -----------------------------------------------------------------------------------------

    @rule()
    def ask_for_a_restriction(self) -> None:
        body = {
            "kinds": ["lab_result"],
            "recipients": [self.world.office.lawyer],
            "purposes": ["HPAYMT"],
            "reason": "private",
        }
        says, path = made("restriction.request"), self._of_patient("restrictions")
        self.asked.append(self.world.act(self.world.intake, "POST", path, 201, says, json=body).json()["id"])

    @precondition(lambda self: self.asked)
    @rule(agreed=st.booleans())
    def answer_a_restriction(self, agreed: bool) -> None:
        one = self.asked.pop()
        body = {"answer": "agreed" if agreed else "declined", "reason": "looked at it"}
        path, says = f"/restrictions/{one}/answer", [Said("restriction.answer", one)]
        self.world.act(self.world.compliance, "POST", path, 200, says, json=body)
        if agreed:
            self.agreed.append(one)

    @precondition(lambda self: self.agreed)
    @rule()
    def end_a_restriction(self) -> None:
        one = self.agreed.pop()
        path, says = f"/restrictions/{one}/ending", [Said("restriction.end", one)]
        self.world.act(self.world.patient, "POST", path, 200, says, json={"by": "patient_written"})

    @rule()
    def list_restrictions(self) -> None:
        says = [Said("restriction.list")]
        self.world.act(self.world.intake, "GET", self._of_patient("restrictions"), 200, says)
