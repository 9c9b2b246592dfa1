"""What operations above get: papers recorded within another act, found for a decision, and never tampered ones."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import pytest

from service.access.actions import Action
from service.errors import Code, IntegrityError, Invalid, Unavailable
from service.evidence.commands import NewEvidence
from service.evidence.establish import establish
from service.evidence.model import Evidence, EvidenceState
from service.evidence.operations import agreements_for, as_if_recorded, evidence_for, record_within
from service.people.facts import patient_facts
from service.people.recipient import Party, RecipientType
from service.record.operations import items_for_decision
from service.work import Denied, Loaded, Work
from tests.house import Account
from tests.integration.evidence.registry import Registry
from tests.unit.evidence.papers import AGREEMENTS, CLINICIANS, DIRECTORS, PAPERS

T = TypeVar("T")


def new(registry: Registry, kind: str, **changes: Any) -> NewEvidence:
    given: dict[str, Any] = {
        "kind": kind,
        "recipients": (UUID(registry.recipient_id),),
        "starts_on": date(2026, 6, 1),
        "particulars": PAPERS[kind].particulars,
        "kinds": frozenset({"attendance"}),
    }
    return NewEvidence(**(given | changes))


def within(registry: Registry, who: Account, act: Callable[[Work], T], *, recorded: bool = True) -> T:
    """Do something inside an act that is authorised and records itself, as a disclosure is."""
    patient_id = UUID(registry.patient_id)

    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(None, facts, "patient", patient_id, patient_id=patient_id)

    def unit(work: Work) -> T:
        work.authorised(Action.DISCLOSURE_MAKE, load)
        result = act(work)
        if recorded:
            work.record(
                action=Action.DISCLOSURE_MAKE, object_kind="test", object_id=None, patient_id=patient_id
            )
        return result

    return registry.service.work(who.caller, unit, purpose="HOPERAT")


def book(registry: Registry) -> Any:
    return registry.service.house.state.evidence


def recording(registry: Registry, given: NewEvidence) -> Callable[[Work], Evidence]:
    return lambda work: record_within(work, book(registry), UUID(registry.patient_id), given)


@pytest.mark.parametrize("kind", sorted(set(PAPERS) - AGREEMENTS))
@pytest.mark.parametrize("role", ["clinician", "compliance", "director"])
def test_recorded_within_an_act_it_is_signed_off_by_who_may(registry: Registry, role: str, kind: str) -> None:
    """42 CFR 2.51(c): the discloser documents; findings are the director's."""
    who = registry.by(role).who
    signs = (
        role == "director"
        if kind in DIRECTORS
        else role == "compliance" or (role == "clinician" and kind in CLINICIANS)
    )
    records = signs or (role, kind) == ("clinician", "access_request")
    if not records:
        with pytest.raises(Denied) as denied:
            within(registry, who, recording(registry, new(registry, kind)))
        assert denied.value.code is Code.NOT_PERMITTED
        return
    made = within(registry, who, recording(registry, new(registry, kind)))
    assert made.state is (EvidenceState.SIGNED_OFF if signs else EvidenceState.RECORDED)
    kept = within(registry, who, lambda work: evidence_for(work, UUID(registry.patient_id), made.id))
    assert kept == made
    (item,) = within(
        registry,
        who,
        lambda work: items_for_decision(work, UUID(registry.patient_id), [UUID(registry.item())]),
    )
    facts = establish(book(registry), made, UUID(registry.recipient_id), item, date(2026, 6, 1))
    assert facts.complete and facts.in_force and facts.names_recipient and facts.covers_item
    assert (facts.signed_off, facts.says) == (signs, PAPERS[kind].says)


def test_it_has_an_entry_of_its_own_beside_the_acts(registry: Registry) -> None:
    """Two acts, two entries; the unit's own is the one it would have had anyway, whichever is written first."""
    who = registry.by("clinician").who
    made = within(registry, who, recording(registry, new(registry, "emergency")))
    act, own = (registry.service.entries(action=action) for action in ("disclosure.make", "evidence.record"))
    assert (len(act), len(own)) == (1, 1)
    assert act[0]["id"] != own[0]["id"]
    assert (own[0]["object_id"], own[0]["detail"]["state"]) == (made.id, "signed_off")
    with registry.service.house.superuser() as db:
        rows = db.execute(
            "SELECT entry_id FROM evidence WHERE id = %(id)s UNION ALL"
            " SELECT entry_id FROM evidence_recipient WHERE evidence_id = %(id)s",
            {"id": made.id},
        ).fetchall()
    assert {row[0] for row in rows} == {own[0]["id"]}


def test_the_papers_entry_does_not_stand_for_the_act(registry: Registry) -> None:
    """An act that recorded its evidence and not itself does not happen, and neither does the evidence."""
    who = registry.by("clinician").who
    with pytest.raises(Unavailable):
        within(registry, who, recording(registry, new(registry, "emergency")), recorded=False)
    assert registry.by("compliance").get(registry.papers).json()["items"] == []


def test_incomplete_within_an_act_names_everything(registry: Registry) -> None:
    """O34, inside a disclosure: complete documentation or no release."""
    particulars = dict(PAPERS["emergency"].particulars) | {"time": None}
    with pytest.raises(Invalid) as invalid:
        within(
            registry,
            registry.by("clinician").who,
            recording(registry, new(registry, "emergency", particulars=particulars)),
        )
    (fault,) = invalid.value.errors
    assert (fault.field, fault.code, fault.citation) == (
        "evidence.particulars.time",
        "missing",
        "42 CFR 2.51(c)(3)",
    )
    assert registry.by("compliance").get(registry.papers).json()["items"] == []


def test_an_agreement_is_not_recorded_within_an_act(registry: Registry) -> None:
    with pytest.raises(Invalid) as invalid:
        within(registry, registry.by("compliance").who, recording(registry, new(registry, "qsoa")))
    assert [fault.field for fault in invalid.value.errors] == ["evidence.kind"]


def test_a_preview_keeps_nothing(registry: Registry) -> None:
    unknown = Party(RecipientType.ENTITY, name="Never Seen Test Lab")
    given = new(registry, "emergency", recipients=(UUID(registry.recipient_id), unknown))
    shown = within(
        registry,
        registry.by("clinician").who,
        lambda work: as_if_recorded(work, book(registry), UUID(registry.patient_id), given),
    )
    assert (shown.state, shown.recipients) == (EvidenceState.SIGNED_OFF, {UUID(registry.recipient_id)})
    assert registry.by("compliance").get(registry.papers).json()["items"] == []
    assert registry.intake.get("/recipients", params={"name": "Never Seen Test Lab"}).json()["items"] == []
    assert registry.service.entries(action="evidence.record") == []


def test_a_paper_is_found_for_its_own_patient_only(registry: Registry) -> None:
    paper, agreement = registry.signed_off("incident"), registry.signed_off("qsoa")
    other = Registry(registry.service)
    who = registry.by("compliance").who

    def found(patient: str, evidence: str) -> Evidence | None:
        return within(registry, who, lambda work: evidence_for(work, UUID(patient), UUID(evidence)))

    own = found(registry.patient_id, paper["id"])
    assert own is not None and str(own.id) == paper["id"]
    assert found(other.patient_id, paper["id"]) is None
    assert found(registry.patient_id, agreement["id"]) is None
    assert found(registry.patient_id, "00000000-0000-0000-0000-000000000001") is None


def test_agreements_are_found_by_recipient_ended_ones_too(registry: Registry) -> None:
    """So that a refusal can say "not in force" (O24) rather than "no agreement"."""
    signed = registry.signed_off("qsoa")
    ended = registry.signed_off("audit")
    registry.made(registry.by("compliance").post(f"/agreements/{ended['id']}/end", {"reason": "over"}), 200)
    registry.recorded("incident")
    who = registry.by("compliance").who
    found = within(registry, who, lambda work: agreements_for(work, UUID(registry.recipient_id)))
    assert {(str(one.id), one.state.value) for one in found} == {
        (signed["id"], "signed_off"),
        (ended["id"], "ended"),
    }
    nobody = within(registry, who, lambda work: agreements_for(work, UUID(int=1)))
    assert nobody == ()


# -- what somebody with the database could try

TAMPERS = {
    "signed off by hand": (
        "UPDATE evidence SET state = 'signed_off', signed_off_by = recorded_by, signed_off_at = recorded_at"
        " WHERE id = %(id)s"
    ),
    "ended taken back": "UPDATE evidence SET state = 'signed_off' WHERE id = %(ended)s",
    "a later end": "UPDATE evidence SET ends_on = '2099-01-01' WHERE id = %(id)s",
    "an earlier start": "UPDATE evidence SET starts_on = '2020-01-01' WHERE id = %(id)s",
    "another kind": "UPDATE evidence SET kind = 'audit' WHERE id = %(id)s",
    "another recipient": (
        "INSERT INTO evidence_recipient SELECT evidence_id, %(other)s, program_id, entry_id FROM evidence_recipient"
        " WHERE evidence_id = %(id)s"
    ),
    "no recipient": "UPDATE evidence_recipient SET recipient_id = %(other)s WHERE evidence_id = %(id)s",
    "moved": (
        "UPDATE evidence SET particulars = (SELECT particulars FROM evidence WHERE id = %(ended)s)"
        " WHERE id = %(id)s"
    ),
    "another version": "UPDATE evidence SET version = 2 WHERE id = %(id)s",
    "a byte": (
        "UPDATE evidence SET particulars = set_byte(particulars, 60, get_byte(particulars, 60) # 1)"
        " WHERE id = %(id)s"
    ),
    "given a patient": "UPDATE evidence SET patient_id = %(patient)s WHERE id = %(id)s",
}


@pytest.mark.parametrize("how", sorted(TAMPERS))
def test_a_row_changed_by_hand_does_not_open(registry: Registry, how: str) -> None:
    paper, ended = registry.recorded("qsoa"), registry.signed_off("qsoa")
    compliance = registry.by("compliance")
    ended = registry.made(compliance.post(f"/agreements/{ended['id']}/end", {"reason": "over"}), 200)
    other = registry.made(registry.intake.post("/recipients", {"type": "entity", "name": "Other Test Lab"}))[
        "id"
    ]
    with registry.service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        names = {"id": paper["id"], "ended": ended["id"], "other": other, "patient": registry.patient_id}
        db.execute(TAMPERS[how], names)
    touched = ended if how == "ended taken back" else paper
    place = "evidence" if how == "given a patient" else "agreements"
    answer = compliance.get(f"/{place}/{touched['id']}")
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
    assert registry.service.entries(action="integrity.failed")
    if how not in ("given a patient", "no recipient"):
        with pytest.raises(IntegrityError):
            within(registry, compliance.who, lambda work: agreements_for(work, UUID(registry.recipient_id)))


def test_an_older_state_put_back_does_not_open(registry: Registry) -> None:
    """The signed-off paper, put back over the ended one: bound to its version, it does not open at another."""
    signed = registry.signed_off("qsoa")
    columns = "state, particulars, signed_off_by, signed_off_at"
    with registry.service.house.superuser() as db:
        old = db.execute(f"SELECT {columns} FROM evidence WHERE id = %s", [signed["id"]]).fetchone()  # type: ignore[arg-type]
    assert old is not None
    compliance = registry.by("compliance")
    registry.made(compliance.post(f"/agreements/{signed['id']}/end", {"reason": "over"}), 200)
    with registry.service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        change = f"UPDATE evidence SET ({columns}) = (%s, %s, %s, %s) WHERE id = %s"
        db.execute(change, [*old, signed["id"]])  # type: ignore[arg-type]
    assert compliance.get(f"/agreements/{signed['id']}").status_code == 500
