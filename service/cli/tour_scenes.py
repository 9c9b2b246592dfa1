"""The main job in scenes: each asks as one of the people, and each answer is checked before the next."""

import base64
from datetime import datetime, timedelta

from service.cli.person import expect
from service.cli.tour_stage import STATEMENTS, Scene, Stage
from service.clock import SystemClock
from service.ledger.merkle import verify_inclusion

ANSWERS = {f"phq9.{place}": value for place, value in enumerate((2, 2, 1, 2, 1, 2, 1, 0, 1), start=1)}


async def registration(stage: Stage) -> None:
    """A patient comes to intake"""
    intake = stage["intake"]
    first = await intake.post("/patients", stage.person())
    stage.ids["patient"] = first.body["id"]
    stage.saw("intake", f"registered {stage.family_name}; nobody alike was there")
    again = await intake.post("/patients", stage.person(given_name="Tessa"))
    alike = [one["id"] for one in again.body["possible_duplicates"]]
    expect(first.body["id"] in alike, "A second registration did not warn of the first.")
    stage.saw("intake", "registered a namesake with the same birth date: warned of a possible duplicate")
    found = await intake.post("/patients/search", stage.person(), expect=200)
    expect([one["id"] for one in found.body["items"]] == [first.body["id"]], "Search found somebody else.")
    me = await stage["clinician"].get("/auth/me")
    relationship = {
        "kind": "staff",
        "account_id": me.body["id"],
        "starts_on": (stage.now - timedelta(days=1)).date().isoformat(),
        "evidence": "Assigned at intake (synthetic).",
    }
    await intake.post(f"{stage.patient}/relationships", relationship)
    stage.saw("intake", "assigned the clinician")
    await stage["other_program_intake"].get(stage.patient, expect=404)
    stage.saw("other program's intake", "asked for this patient: there is nothing here for them")
    await stage["clinician_without_relationship"].get(stage.patient, expect=403)
    stage.saw("clinician without relationship", "asked for this patient: refused")
    await stage["clinician"].get(stage.patient)
    stage.saw("clinician", "reads the patient")


async def screening(stage: Stage) -> None:
    """The PHQ-9 is begun, left, resumed; a risk is seen at once"""
    intake, path = stage["intake"], f"{stage.patient}/assessments"
    few = dict(list(ANSWERS.items())[:3])
    draft = await intake.post(path, {"instrument": "phq-9", "status": "draft", "answers": few})
    stage.saw("intake", f"saved a draft with {draft.body['result']['answered']} answers")
    wrong = {"instrument": "phq-9", "status": "completed", "answers": ANSWERS | {"phq9.2": 7, "phq9.9": 3}}
    refused = await intake.post(path, wrong, expect=422)
    kept = [flag["code"] for flag in refused.body.get("flags", ())]
    expect("suicide_item_positive" in kept, "A refused form lost its safety flag.")
    stage.saw("intake", "sent a form with an impossible value: refused; the flag suicide_item_positive stays")
    draft_path = f"/assessments/{draft.body['id']}"
    saved = await intake.ask("PUT", draft_path, {"answers": ANSWERS}, version=draft.etag)
    await intake.ask("PUT", draft_path, {"answers": ANSWERS}, version=draft.etag, expect=412)
    done = await intake.post(f"{draft_path}/completion", expect=200, version=saved.etag)
    result = done.body["result"]
    expect(result["total"] == 12, f"The PHQ-9 total is {result['total']}, not 12.")
    expect(bool(done.body["flags"]), "A positive item 9 raised no flag.")
    stage.saw(
        "intake", f"completed it: {result['total']}, {result['band']}; flag {done.body['flags'][0]['code']}"
    )
    flags = (await stage["clinician"].get(f"{stage.patient}/flags")).body["items"]
    for flag in flags:
        act = {
            "action": "Seen together, safety plan written (synthetic).",
            "seen_by": "Dr Tess Testperson",
            "outcome": "safe_now",
        }
        await stage["clinician"].post(f"/flags/{flag['id']}/acknowledgement", act, expect=200)
    stage.saw("clinician", f"acted on {len(flags)} flags")
    for kind, text in (
        ("medication_list", "Synthetic: buprenorphine-naloxone 8-2 mg daily."),
        ("attendance", "Synthetic: 3 of 3 sessions."),
        ("counseling_note", "Synthetic counseling session note."),
    ):
        item = {"kind": kind, "unit": "IOP", "labels": ["SUD"], "content": text}
        stage.ids[kind] = (await stage["clinician"].post(f"{stage.patient}/items", item)).body["id"]
    await stage["intake"].get(f"/items/{stage.ids['counseling_note']}", expect=403)
    stage.saw("intake", "asked for the counseling note: refused")


async def consent(stage: Stage) -> None:
    """A consent is drafted, completed, previewed and signed"""
    await stage.request("TREAT", status=404)
    stage.saw("requester", "asked before there is a consent: no records are available")
    intake, path = stage["intake"], f"{stage.patient}/consents"
    empty = await intake.post(path, {"kind": "specific", "recipients": [stage.recipient]})
    missing = empty.body["missing_elements"]
    expect(len(missing) >= 5, "An empty consent lacks almost nothing.")
    stage.saw("intake", f"drafted: {len(missing)} elements missing, such as {missing[0]['message']}")
    stage.saw("", f"({missing[0]['code']}, {missing[0]['citation']})")
    until = (stage.now + timedelta(days=180)).date().isoformat()
    terms = {
        "kind": "specific",
        "disclosers": ["IOP"],
        "recipients": [stage.recipient],
        "scope": {"kinds": ["medication_list"], "labels": "all", "description": "My medicines"},
        "purposes": ["TREAT"],
        "expiry": {"kind": "date", "date": until},
        "initiated_by": "patient",
        "statements": dict.fromkeys(STATEMENTS, True),
        "form": "electronic",
    }
    whole = await intake.ask("PUT", f"/consents/{empty.body['id']}", terms, version=empty.etag)
    expect(whole.body["missing_elements"] == [], "A complete consent still lacks something.")
    stage.ids["consent"] = whole.body["id"]
    foreseen = await intake.post(f"/consents/{whole.body['id']}/preview", expect=200)
    stage.saw("patient", f"previewed: {foreseen.body['reaches'][0]['words']}")
    signature = {
        "signer": {"role": "patient", "name": f"Tess {stage.family_name}"},
        "method": "typed",
        "attestation": "I read the text and sign by typing my name (synthetic).",
        "text_sha256": whole.body["document"]["sha256"],
    }
    signed = await intake.post(f"/consents/{whole.body['id']}/signatures", signature)
    expect(signed.body["state"] == "active", f"After signing the consent is {signed.body['state']}.")
    stage.saw("patient", f"signed the text with SHA-256 {signed.body['document']['sha256'][:16]}...: active")


async def disclosure(stage: Stage) -> None:
    """The hospital asks, and gets exactly what the consent covers"""
    package = (await stage.request("TREAT", status=200)).body["package"]
    kinds = sorted(item["kind"] for item in package["items"])
    expect(kinds == ["medication_list"], f"The package holds {kinds}.")
    expect("42 CFR part 2" in package["notice"]["text"], "The package lacks the notice of 42 CFR 2.32.")
    stage.saw(
        "requester", f"received {', '.join(kinds)} and this notice: {package['notice']['text'][:60]}..."
    )
    elsewhere = await stage.request("HPAYMT", status=404)
    stranger = await stage.request("TREAT", status=404, family_name="Nobody-Testperson")
    same = [{**one.body, "request_id": None} for one in (elsewhere, stranger)]
    expect(same[0] == same[1], "A wrong purpose and an unknown person are told apart.")
    stage.saw("requester", "asked for payment, and for somebody unknown: the same answer, no records")
    made = await stage.disclose(status=201)
    stage.ids["disclosure"] = made.body["id"]
    decision = made.body["decision"]
    basis = decision["basis"]
    stage.saw("clinician", f"disclosed: {decision['effect']} on {basis['id']} ({basis['citation']})")
    for withheld in decision["withheld"]:
        stage.saw("", f"withheld {withheld['category']}: {withheld['reason']} ({withheld['citation']})")
    withheld_kinds = {one["category"] for one in decision["withheld"]}
    expect("counseling_note" in withheld_kinds, "The counseling note was not withheld.")


async def revocation(stage: Stage) -> None:
    """The patient revokes: the next decision says no"""
    body = {
        "received_at": _instant(SystemClock().now()),
        "form": "written",
        "by": f"Tess {stage.family_name}",
    }
    revoked = await stage["intake"].post(f"/consents/{stage.ids['consent']}/revocation", body, expect=200)
    expect(revoked.body["state"] == "revoked", f"After revoking the consent is {revoked.body['state']}.")
    stage.saw("intake", "recorded the written revocation")
    await stage.request("TREAT", status=404)
    stage.saw("requester", "asked again: no records are available")
    refused = await stage.disclose(status=403)
    decision = refused.body["decision"]
    expect(decision["effect"] == "deny", "The refusal does not say deny.")
    stage.saw(
        "clinician", f"refused: {decision['reasons'][0]['text']} ({decision['reasons'][0]['citation']})"
    )
    await stage["clinician"].get(f"/disclosures/{stage.ids['disclosure']}/package", expect=403)
    stage.saw("clinician", "asked for the earlier package: it does not leave a second time")


async def trail(stage: Stage) -> None:
    """The compliance officer sees all of it, and nothing clinical"""
    officer = stage["compliance"]
    query = f"/audit/entries?patient={stage.ids['patient']}&sort=recorded_at&limit=200"
    entries = (await officer.get(query)).body["items"]
    acts = [entry["action"] for entry in entries]
    order = ["patient.register", "consent.sign", "disclosure.make", "consent.revoke"]
    expect(
        [act for act in dict.fromkeys(acts) if act in order] == order, f"The trail is out of order: {acts}"
    )
    denied = [entry for entry in entries if entry["outcome"] == "deny"]
    expect(len(denied) >= 4, f"Only {len(denied)} refusals are in the trail.")
    stage.saw("compliance", f"sees {len(entries)} entries about this patient, {len(denied)} of them refusals")
    for entry in entries[-1:]:
        stage.saw("", f"last: {entry['summary']}")
    refusal = next(entry for entry in reversed(denied) if entry["action"] == "disclosure.make")
    explained = (await officer.get(f"/audit/entries/{refusal['id']}")).body["explanation"]
    stage.saw("", f"why the disclosure was refused: {' '.join(explained['sentences'])}")
    await officer.get(f"{stage.patient}/record", expect=403)
    stage.saw("compliance", "asked for the record itself: refused")
    accounted = (await officer.get(f"{stage.patient}/accounting?rule=part2")).body["items"]
    purposes = sorted(one["purpose"]["code"] for one in accounted)
    expect(purposes == ["SUPNWK", "TREAT", "TREAT"], f"The accounting lists {purposes}.")
    stage.saw("compliance", f"sees {len(accounted)} disclosures in the accounting (42 CFR 2.25)")
    stage.ids["entry"] = next(entry["id"] for entry in entries if entry["action"] == "disclosure.make")


async def proof(stage: Stage) -> None:
    """One entry is proven to stand in the signed ledger"""
    found = await stage["compliance"].when_there(f"/audit/entries/{stage.ids['entry']}/proof")
    hashes = [base64.b64decode(hashed) for hashed in found["hashes"]]
    leaf, root = base64.b64decode(found["leaf_hash"]), base64.b64decode(found["root"])
    holds = verify_inclusion(leaf, found["position"], found["size"], hashes, root)
    expect(holds, "The inclusion proof does not lead to the root.")
    expect(found["checkpoint"].splitlines()[2] == found["root"], "The signed checkpoint has another root.")
    stage.saw(
        "compliance",
        f"entry {found['position']} of {found['size']} in {found['origin']}: proof and root agree",
    )
    stage.saw("", "verify all of it, offline: consentry ledger verify")


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


FIRST: tuple[Scene, ...] = (registration, screening, consent, disclosure, revocation)
LAST: tuple[Scene, ...] = (trail, proof)
