"""How a record ends, and how the trail leaves, in scenes."""

import json
from datetime import timedelta

from service.cli.person import expect
from service.cli.tour_stage import Scene, Stage


async def destruction(stage: Stage) -> None:
    """A record is destroyed by two people, and not while a hold stands"""
    officer, administrator = stage["compliance"], stage["administrator"]
    made = await stage["intake"].post("/patients", stage.person(family_name=f"Gone {stage.family_name}"))
    path = f"/patients/{made.body['id']}"
    me = (await officer.get("/auth/me")).body["id"]
    hold = {"patient_id": made.body["id"], "owner_id": me, "reason": "Letter of counsel (synthetic)."}
    held = (await officer.post("/legal-holds", hold)).body["id"]
    wish = {"patient_id": made.body["id"], "basis": "court_order", "reason": "Order 26-117 (synthetic)."}
    kept = await officer.post("/keys/shreddings", wish, expect=409)
    expect(kept.body["code"] == "record_must_be_kept", f"A held record may go: {kept.body['code']}.")
    stage.saw("compliance", "placed a legal hold and asked to destroy the record: refused, it must be kept")
    lifting = {"reason": "Counsel released it (synthetic)."}
    await officer.post(f"/legal-holds/{held}/lifting", lifting, expect=200)
    asked = (await officer.post("/keys/shreddings", wish)).body
    approval = f"/keys/shreddings/{asked['id']}/approval"
    await officer.post(approval, {"decision": "approved"}, expect=403)
    stage.saw("compliance", "lifted the hold, asked again, and may not approve it as well")
    done = (await administrator.post(approval, {"decision": "approved"}, expect=200)).body
    receipt = json.loads(done["receipt"])
    expect(bool(receipt["keys"]), "The receipt names no key.")
    gone = await stage["intake"].get(path, expect=410)
    expect(gone.body["code"] == "record_destroyed", f"Intake is told {gone.body['code']}.")
    stage.saw(
        "administrator", f"approved: {done['state']}; the signed receipt names the keys that are no more"
    )
    stage.saw("intake", "asks for the record: destroyed, and the ledger still says everything that was done")


async def trail_leaves(stage: Stage) -> None:
    """The trail of the last minutes leaves as FHIR, and that it left is in it"""
    since = (stage.now - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    exported = await stage["compliance"].lines(f"/audit/export?format=fhir&from={since}")
    kinds = {one["resourceType"] for one in exported}
    expect(kinds == {"AuditEvent"}, f"The export holds {kinds}.")
    found = (
        await stage["compliance"].get("/audit/entries?action=audit.export&sort=-recorded_at&limit=1")
    ).body
    expect(bool(found["items"]), "That the trail was exported is not in the trail.")
    stage.saw(
        "compliance", f"exported {len(exported)} entries as AuditEvents (IHE BALP); the export is one more"
    )


KEEPING: tuple[Scene, ...] = (destruction, trail_leaves)
