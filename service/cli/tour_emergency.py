"""Emergencies in scenes: what leaves without consent is documented or does not leave, and is looked at afterwards."""

from typing import Any

from service.cli.person import expect
from service.cli.tour_stage import Scene, Stage


def particulars(stage: Stage) -> dict[str, Any]:
    """Complete papers: what 42 CFR 2.51(c) asks for, and why consent cannot be obtained."""
    return {
        "nature": "Found unconscious at home (synthetic).",
        "date": stage.now.date().isoformat(),
        "time": f"{stage.now:%H:%M}",
        "recipient_name": "Dr Rowan Testperson",
        "recipient_facility": "Mercy Test Hospital, emergency department",
        "discloser_name": "Clara Testperson",
        "bona_fide": True,
        "patient_state": "unconscious",
        "consent_obtainable": False,
    }


async def release(stage: Stage) -> None:
    """An emergency: medicines leave without consent, documented or not at all"""
    whole = particulars(stage)
    hasty = {name: value for name, value in whole.items() if name != "time"}
    before = (await stage["clinician"].get(f"{stage.patient}/disclosures")).body["items"]
    refused = await stage.disclose_to(
        *("clinician", "emergency_department", "BTG"),
        status=422,
        categories=["medication_list"],
        evidence={"kind": "emergency", "particulars": hasty},
    )
    fault = refused.body["errors"][0]
    expect(fault["field"] == "evidence.particulars.time", f"Refused for {fault['field']}, not for the time.")
    after = (await stage["clinician"].get(f"{stage.patient}/disclosures")).body["items"]
    papers = (await stage["compliance"].get(f"{stage.patient}/evidence")).body["items"]
    expect(before == after and papers == [], "A refused emergency release left something behind.")
    stage.saw(
        "clinician", f"left out the time: refused ({fault['citation']}); nothing left, nothing was written"
    )
    made = await stage.disclose_to(
        *("clinician", "emergency_department", "BTG"),
        status=201,
        categories=["medication_list"],
        evidence={"kind": "emergency", "particulars": whole},
    )
    decision = made.body["decision"]
    expect(decision["basis"]["id"] == "B24", f"The emergency rests on {decision['basis']['id']}, not on B24.")
    expect(
        [one["kind"] for one in decision["granted"]] == ["medication_list"], "More than the medicines left."
    )
    stage.saw("clinician", f"with everything: made on B24 ({decision['basis']['citation']})")
    await _reviewed(stage, made.body["id"], "emergency_disclosure")


async def break_glass(stage: Stage) -> None:
    """A clinician who does not treat the patient breaks the glass"""
    stranger, path = stage["clinician_without_relationship"], f"{stage.patient}/record"
    await stranger.get(path, purpose="ETREAT", expect=403)
    why = {
        "nature": "Collapsed in the waiting room (synthetic).",
        "why_no_consent": "Not responsive, the treating clinician is not in the house (synthetic).",
    }
    grant = await stranger.post(f"{stage.patient}/emergency-access", why, purpose="ETREAT")
    read = (await stranger.get(path, purpose="ETREAT")).body["items"]
    kinds = {item["kind"] for item in read}
    expect("medication_list" in kinds, "The emergency did not open the medication list.")
    expect("counseling_note" not in kinds, "The emergency opened a session note.")
    await stranger.get(f"/items/{stage.ids['counseling_note']}", purpose="ETREAT", expect=403)
    stage.saw("clinician without relationship", "said why, and reads for an hour; session notes stay closed")
    await stage.disclose_to("clinician_without_relationship", "emergency_department", "ETREAT", status=403)
    stage.saw(
        "clinician without relationship", "wanted to send the record on: reading is all it opens; refused"
    )
    await stranger.post(f"/emergency-access/{grant.body['id']}/ending", expect=200)
    await stranger.get(path, purpose="ETREAT", expect=403)
    stage.saw("clinician without relationship", "ended it before the hour: refused again")
    await _reviewed(stage, grant.body["id"], "emergency_access")


async def _reviewed(stage: Stage, subject: str, kind: str) -> None:
    """Compliance finds the act among what waits, and settles it once."""
    officer = stage["compliance"]
    waiting = (await officer.get("/audit/reviews?state=open&limit=200")).body["items"]
    found = [one for one in waiting if one["subject_id"] == subject]
    expect([one["kind"] for one in found] == [kind], f"No review of kind {kind} waits.")
    verdict = {"decision": "appropriate", "reason": "Papers and calls agree (synthetic)."}
    path = f"/audit/reviews/{found[0]['id']}"
    closed = await officer.post(path, verdict, expect=200)
    expect(closed.body["state"] == "closed", "The review is not closed.")
    await officer.post(path, verdict, expect=409)
    stage.saw("compliance", f"reviewed it: {closed.body['decision']}; a second verdict is refused")


EMERGENCY: tuple[Scene, ...] = (release, break_glass)
