"""The demo's stories of the wider law: consents for one purpose, papers, restrictions, emergencies.

Each act is a call as its body goes over the wire. `{name}` in a text stands for an id: a recipient of `demo_program.py`,
what an earlier act of the story kept under that name, or a day (`today`, `yesterday`, `in_a_year`). Every disclosure
says the basis it is to rest on, so the demo does not start when the law has become another. Acts of many stories share
a day: who is signed in then stays signed in.
"""

from collections.abc import Callable, Iterator

from service.cli.demo_calls import call, consent, disclose, item, paper, related
from service.cli.demo_steps import Step, arrival, chart


def emergency() -> Iterator[Step]:
    """Found unconscious at home: the emergency department gets the medicines without consent, documented (2.51)."""
    yield from arrival(40)
    yield from chart(34)
    particulars = {
        "nature": "Found unconscious at home (synthetic).",
        "date": "{today}",
        "time": "11:52",
        "recipient_name": "Dr Rowan Testperson",
        "recipient_facility": "Mercy Test Hospital, emergency department",
        "discloser_name": "Clara Testperson",
        "bona_fide": True,
        "patient_state": "unconscious",
        "consent_obtainable": False,
    }
    written = {"kind": "emergency", "particulars": particulars}
    asked = {"categories": ["medication_list"], "evidence": written}
    yield disclose(15, "clinician", "emergency_department", "BTG", "B24", **asked)


def glass_broken() -> Iterator[Step]:
    """A clinician who does not treat the patient tried the record again and again, and read it in an emergency later:
    compliance has both to look at, the burst of refusals as a finding of the trail's review.
    """
    yield from arrival(40)
    yield from chart(34)
    why = {
        "nature": "Collapsed in the waiting room (synthetic).",
        "why_no_consent": "Not responsive, and the treating clinician is not in the house (synthetic).",
    }
    stranger, purpose = "clinician_without_relationship", "ETREAT"
    for _ in range(6):
        yield call(4.5, stranger, "/patients/{patient}/record", method="GET", expect=403)
    yield call(2, stranger, "/patients/{patient}/emergency-access", why, purpose=purpose)
    yield call(2, stranger, "/patients/{patient}/record", method="GET", expect=200, purpose=purpose)


def paid_in_full() -> Iterator[Step]:
    """The patient paid for the session: the plan must not hear of it, and another wish was declined (2.26)."""
    yield from arrival(40)
    yield from chart(34)
    yield item(34, "claim", "one session of group counseling, paid by the patient in full.")
    yield related(34, "health_plan", "plan", "Card seen at intake")
    yield from consent(30, "payer", "plan", "HPAYMT", ["claim", "attendance"], language="es")
    kept_back = {
        "items": ["{claim}"],
        "recipients": ["{plan}"],
        "classes": ["payment", "operations"],
        "paid_in_full": True,
        "reason": "Paid at the desk (synthetic).",
    }
    path = "/patients/{patient}/restrictions"
    yield call(30, "intake", path, kept_back)
    yield disclose(20, "clinician", "plan", "HPAYMT", "", items=["{claim}"], in_vain=True)
    yield disclose(20, "clinician", "plan", "HPAYMT", "B09", categories=["attendance"])
    wish = {
        "kinds": ["attendance"],
        "recipients": ["{hospital}"],
        "classes": ["treatment"],
        "reason": "A wish.",
    }
    yield call(20, "intake", path, wish, keep="wish")
    declined = {"answer": "declined", "reason": "The hospital needs it to treat the patient (synthetic)."}
    answer = "/restrictions/{wish}/answer"
    yield call(10, "compliance", answer, declined, expect=200, purpose="HOPERAT")


def through_an_exchange() -> Iterator[Step]:
    """One consent to an intermediary reaches who treats the patient, and nobody else there (2.31(a)(4)(ii))."""
    yield from arrival(60)
    yield from chart(50)
    yield related(50, "treating", "hospital", "Named by the patient as the treating hospital")
    designation = {"general_designation": "treating_providers"}
    kinds = ["medication_list", "attendance"]
    yield from consent(45, "intermediary", "exchange", "TREAT", kinds, through=designation)
    asked = {"via": "{exchange}", "categories": ["medication_list"]}
    yield disclose(20, "clinician", "hospital", "TREAT", "B03", **asked)
    yield disclose(20, "clinician", "orthopedist", "TREAT", "", **asked, in_vain=True)


def session_notes() -> Iterator[Step]:
    """A consent for counseling session notes and for nothing else (2.31(b))."""
    yield from arrival(60)
    yield from chart(50)
    yield from consent(45, "counseling_notes", "hospital", "TREAT", ["counseling_note"])
    yield disclose(20, "clinician", "hospital", "TREAT", "B04", categories=["counseling_note"])


def before_a_court() -> Iterator[Step]:
    """The patient's own consent for one proceeding (2.31(d)); and what a consent for care would never open."""
    yield from arrival(60)
    yield from chart(50)
    case = {"proceeding": "Custody of a child, Test Family Court"}
    until = {"kind": "event", "event": "final_disposition"}
    yield from consent(45, "legal_proceedings", "lawyer", "HLEGAL", ["attendance"], expiry=until, **case)
    yield disclose(25, "compliance", "lawyer", "HLEGAL", "B05", categories=["attendance"])
    yield disclose(25, "compliance", "police", "PROSECUTE", "", in_vain=True)


def ordered_by_a_court() -> Iterator[Step]:
    """An order under 2.64 on record, its paper attached; it opens what it names, and no session note (2.63)."""
    yield from arrival(40)
    yield from chart(34)
    yield item(34, "attendance", "dates of service.", confidential_communication=False)
    order = {
        "court": "Test County Court",
        "order_type": "2_64",
        "issued_on": "{yesterday}",
        "limits": "Dates of attendance (synthetic).",
        "subpoena": True,
        "notice_given": True,
        "opportunity_heard": True,
        "good_cause": True,
    }
    yield from paper(25, "compliance", "court_order", "court", order, kinds=["attendance"])
    yield Step(25, "clinician", "attach", {"kind": "court_order", "title": "Order of the Test County Court"})
    asked = {"items": ["{attendance}"], "evidence_id": "{paper}"}
    yield disclose(25, "compliance", "court", "PROCEED", "B31", **asked)


def monitored() -> Iterator[Step]:
    """Treatment is a condition of release: probation may follow it, and the consent cannot be revoked yet (2.35)."""
    yield from arrival(60)
    yield from chart(50)
    condition = {
        "justice_condition": "Condition 4 of release (synthetic)",
        "revocable_after": "final_disposition",
        "expiry": {"kind": "event", "event": "final_disposition"},
    }
    yield from consent(45, "criminal_justice", "probation", "CJMON", ["attendance"], **condition)
    yield disclose(20, "clinician", "probation", "CJMON", "B07", categories=["attendance"])
    revoking = {"received_at": "{now}", "form": "written", "by": "The patient (synthetic)"}
    yield call(9, "intake", "/consents/{consent}/revocation", revoking, expect=409)


def in_a_study() -> Iterator[Step]:
    """A consent for a study, in Spanish, which ends with the study."""
    yield from arrival(60)
    yield from chart(50)
    until = {"kind": "event", "event": "study_end"}
    kinds = ["medication_list"]
    yield from consent(45, "research", "researchers", "HRESCH", kinds, expiry=until, language="es")
    yield disclose(25, "compliance", "researchers", "HRESCH", "B01", categories=kinds)


def sent_to_a_laboratory() -> Iterator[Step]:
    """The laboratory works for the program under a written agreement (QSOA); the one before it does no longer."""
    yield from arrival(40)
    yield item(34, "specimen_order", "urine drug screen, panel 5.")
    asked = {"categories": ["specimen_order"]}
    yield disclose(25, "compliance", "laboratory", "HOPERAT", "B21", **asked)
    yield disclose(25, "compliance", "former_laboratory", "HOPERAT", "", **asked, in_vain=True)


def crime_on_the_premises() -> Iterator[Step]:
    """A window was broken in the house: the police hear who and what, and nothing of the treatment (2.12(c)(5))."""
    yield from arrival(40)
    yield from chart(34)
    yield item(20, "incident_facts", "threw a chair through a window of the waiting room.")
    particulars = {
        "incident": "crime",
        "place": "premises",
        "description": "A window was broken (synthetic).",
        "reported_to": "Officer Olive Testperson",
    }
    written = {"kind": "incident", "particulars": particulars, "kinds": ["incident_facts"]}
    asked = {"categories": ["incident_facts"], "evidence": written}
    yield disclose(20, "clinician", "police", "INCIDENT", "B22", **asked)


def minor_in_danger() -> Iterator[Step]:
    """Fifteen: patient and parent have both signed; the director finds a threat, and the parent hears of it (2.14)."""
    yield from arrival(40)
    yield from chart(34)
    yield related(34, "parent", "parent", "Birth certificate seen")
    yield from consent(30, "specific", "parent", "SUPNWK", ["attendance"], describe="That I come here")
    parent = {
        "signer": {"role": "parent", "name": "Paula Testperson", "authority": "Mother (synthetic)"},
        "method": "typed",
        "attestation": "I read the text and sign by typing my name (synthetic).",
    }
    yield call(30, "intake", "/consents/{consent}/signatures", parent)
    yield item(20, "threat_facts", "said that life is not worth living, and has a plan.")
    finding = {
        "lacks_capacity": True,
        "substantial_threat": True,
        "disclosure_may_reduce": True,
        "facts": "A plan for tonight (synthetic).",
    }
    yield from paper(19.9, "director", "minor_threat_finding", "parent", finding, kinds=["threat_facts"])
    asked = {"categories": ["threat_facts"], "evidence_id": "{paper}"}
    yield disclose(19.9, "director", "parent", "THREAT", "B38", **asked)


def after_a_death() -> Iterator[Step]:
    """The patient has died: consents of a lifetime open nothing, the medical examiner's inquiry does (2.15(b))."""
    yield from arrival(90)
    yield from chart(88)
    yield from consent(85, "specific", "hospital", "TREAT", ["medication_list"])
    yield Step(60, "clinician", "disclose", {"purpose": "TREAT"})
    death = {"kind": "death", "occurred_on": "{today}"}
    yield call(10, "compliance", "/patients/{patient}/events", death, purpose="HOPERAT")
    yield disclose(8.9, "clinician", "hospital", "TREAT", "", in_vain=True)
    yield item(8.9, "cause_of_death", "cause of death as known to the program.")
    inquiry = {"law": "Test County Health Code 3", "purpose": "cause_of_death"}
    yield from paper(8.8, "compliance", "cause_of_death_inquiry", "examiner", inquiry)
    asked = {"categories": ["cause_of_death"], "evidence_id": "{paper}"}
    yield disclose(8.8, "compliance", "examiner", "HDECD", "B37", **asked)


def ends_with_an_event() -> Iterator[Step]:
    """The consent ends with something nobody here records: a person has to say whether it has happened."""
    yield from arrival(40)
    yield from chart(34)
    until = {"kind": "event", "event": "when my lease begins"}
    yield from consent(30, "specific", "parent", "SUPNWK", ["attendance"], expiry=until)
    yield disclose(20, "clinician", "parent", "SUPNWK", "", categories=["attendance"], in_vain=True)


#: Stories, and the age of the patients who have to be of one.
LAW_STORIES: tuple[tuple[Callable[[], Iterator[Step]], int | None], ...] = (
    (emergency, None),
    (glass_broken, None),
    (paid_in_full, None),
    (through_an_exchange, None),
    (session_notes, None),
    (before_a_court, None),
    (ordered_by_a_court, None),
    (monitored, None),
    (in_a_study, None),
    (sent_to_a_laboratory, None),
    (crime_on_the_premises, None),
    (minor_in_danger, 15),
    (after_a_death, None),
    (ends_with_an_event, None),
)
