"""An intake in scenes: what blocks admission, whose a flag is, who counts, who decides; a plan, a merge, a message."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from service.cli.demo_acts import care_plan, decide, sign_form
from service.cli.person import expect
from service.cli.tour_stage import Scene, Stage

_GATE = {
    "identity_missing", "f02_missing", "f03_missing", "f04_missing", "suicide_screen_missing",
    "withdrawal_check_missing", "f20_missing", "placement_missing", "f27_missing",
}  # fmt: skip
_NEVER = ("riverbend", "intensive", "recovery", "substance", "alcohol", "treatment", "therapy")
_SAFETY = {
    "warning_signs": ["I stop answering the phone (synthetic)"],
    "coping": ["A walk to the river"],
    "professionals": [{"name": "Crisis line", "phone": "988"}],
    "safer_surroundings": "The key is with a neighbour.",
}
_VITALS = {"systolic": 122, "diastolic": 78, "heart_rate": 74, "temperature": 36.7, "respiration": 14}


async def packet(stage: Stage) -> None:
    """Somebody is referred: the packet says what blocks admission"""
    intake = stage["intake"]
    person = stage.person(given_name="Nell", birth_date="1991-03-09")
    stage.ids["newcomer"] = (await intake.post("/patients", person)).body["id"]
    me = await stage["clinician"].get("/auth/me")
    relationship = {
        "kind": "staff",
        "account_id": me.body["id"],
        "starts_on": (stage.now - timedelta(days=1)).date().isoformat(),
        "evidence": "Assigned at intake (synthetic).",
    }
    await intake.post(f"{_newcomer(stage)}/relationships", relationship)
    body = {"unit": "IOP", "opened_on": stage.today, "track": "sud"}
    stage.ids["episode"] = (await intake.post(f"{_newcomer(stage)}/episodes", body)).body["id"]
    missing = await _refused(stage)
    expect(missing == _GATE, f"A new packet lacks {sorted(missing)}.")
    stage.saw(
        "intake", f"tried to admit at once: refused, {len(missing)} things are missing, each with its owner"
    )
    for form, outcome in (
        ("identity", "given"),
        ("F02", "given"),
        ("F03", "given"),
        ("F04", "signed"),
        ("F17", "signed"),
    ):
        await sign_form(intake, f"Nell {stage.family_name}", stage.ids["newcomer"], form, outcome)
    missing = await _refused(stage)
    expect(
        "f04_missing" not in missing and len(missing) == 5, f"After five forms {sorted(missing)} are missing."
    )
    stage.saw("intake, patient", f"five forms, one signature each: {len(missing)} are left")


async def flag(stage: Stage) -> None:
    """The server counts; an urgent answer is a task with an owner and a clock"""
    intake, path = stage["intake"], f"{_newcomer(stage)}/assessments"
    answers = {f"phq9.{number}": 1 for number in range(1, 10)}
    form: dict[str, Any] = {"instrument": "phq-9", "status": "completed", "answers": answers}
    await intake.post(path, form | {"total": 3}, expect=422)
    stage.saw(
        "intake", "sent a PHQ-9 with a total of its own, 3: refused, the answers add up to something else"
    )
    done = (await intake.post(path, form)).body
    expect(done["result"]["total"] == 9, f"The server counts {done['result']['total']}, not 9.")
    flags = (await intake.get(f"{_newcomer(stage)}/flags")).body["items"]
    found = next(one for one in flags if one["code"] == "suicide_item_positive")
    expect(found["owner_role"] == "intake" and found["contact"] is not None, "The flag has no owner to call.")
    stage.saw("intake", f"without it: {done['result']['total']}, and a flag due {found['due_at'][11:16]} UTC")
    stage.saw("", found["next_step"])
    screen = {f"asq.{number}": 0 for number in range(1, 5)}
    await intake.post(path, {"instrument": "asq", "status": "completed", "answers": screen})
    path = f"/flags/{found['id']}/acknowledgement"
    await stage["clinician"].post(path, {"action": "Read it."}, expect=422)
    act = {
        "action": "Sat with the patient, ASQ negative",
        "seen_by": "Dr Sam Testperson",
        "outcome": "safe_now",
    }
    for one in flags:  # the refused form raised its own, and it stands
        await stage["clinician"].post(f"/flags/{one['id']}/acknowledgement", act, expect=200)
    stage.saw("clinician", "closing it without saying who saw the patient: refused; with that: closed")


async def placement(stage: Stage) -> None:
    """A level of care is suggested with reasons; the clinician decides"""
    clinician, path = stage["clinician"], f"/episodes/{stage.ids['episode']}/placement"
    before = (await clinician.get(path)).body
    expect(before["suggestion"] == "INCOMPLETE", f"With little known the rules say {before['suggestion']}.")
    stage.saw(
        "clinician", f"not enough is known yet: {', '.join(before['missing'][:4])} ... (unknown is never no)"
    )
    await _section(stage, "vitals", _VITALS)
    home = {"housing": "stable", "home_safe": True, "use_at_home": True, "lives_with": "a sister"}
    await _section(stage, "home", home)
    use = {
        "class": "alcohol", "name": "beer", "ever": True, "rank": "primary", "first_age": 18, "days_30": 10,
        "amount": "six cans", "route": "oral", "withdrawal": ["none"],
    }  # fmt: skip
    said: dict[str, Any] = {name: {"value": value} for name, value in use.items()}
    said["last_use"] = {"value": (stage.now - timedelta(days=10)).isoformat(), "certainty": "about"}
    await stage["intake"].post(f"{_newcomer(stage)}/medical/substances/entries", {"answers": said})
    found = {"substance": "alcohol", "specific": "beer", "criteria": [1, 2, 3, 4], "dated_on": stage.today}
    made = (await clinician.post(f"{_newcomer(stage)}/diagnoses", found)).body["answers"]
    stage.saw("clinician", f"four criteria: {made['severity']}, {made['code']}")
    now = (await clinician.get(path)).body
    fired = [one["id"] for one in now["rules"]]
    expect(
        (now["suggestion"], fired) == ("IOP_CONDITIONS", ["P-17", "P-22"]), f"{now['suggestion']} by {fired}."
    )
    for rule in now["rules"]:
        stage.saw("", f"{rule['id']}: {rule['reason']}")
    await clinician.post(f"{path}-decisions", _without_reason(stage, now), expect=422)
    stage.saw("clinician", "another level without a reason: refused")
    await decide(clinician, stage.ids["episode"], stage.today, {"level": "2.1"})
    stage.saw("clinician", "decided: level 2.1, as suggested")


async def admission(stage: Stage) -> None:
    """Admission is refused until the gate is met"""
    missing = await _refused(stage)
    expect(
        missing == {"withdrawal_check_missing", "f20_missing", "f27_missing"}, f"Missing: {sorted(missing)}."
    )
    stage.saw("intake", f"refused: {', '.join(sorted(missing))}")
    for item in ("withdrawal_check", "F20"):
        why = {"reason": "Cleared by Dr Sam Testperson (synthetic)."}
        path = f"{_newcomer(stage)}/packet/{item}/waiver"
        await stage["intake"].post(path, why, expect=403)
        await stage["clinician"].post(path, why, expect=200)
    stage.saw("clinician", "cleared two with a reason, which intake may not")
    await sign_form(stage["intake"], f"Nell {stage.family_name}", stage.ids["newcomer"], "F27", "given")
    done = await stage["intake"].post(f"/episodes/{stage.ids['episode']}/admission", {}, expect=200)
    expect(done.body["state"] == "admitted", f"After admission the episode is {done.body['state']}.")
    stage.saw("intake", f"admitted on {done.body['admitted_on']}, level {done.body['level']}")


async def plan(stage: Stage) -> None:
    """A care plan says everything it lacks at once"""
    clinician = stage["clinician"]
    whole = care_plan(stage.today)
    thin: dict[str, Any] = whole | {"goals": [], "slots": [], "family": None}
    draft = await clinician.post(f"{_newcomer(stage)}/care-plans", thin)
    path = f"/care-plans/{draft.body['id']}"
    refused = await clinician.post(f"{path}/activation", {}, expect=422)
    rules = sorted({one["code"] for one in refused.body["errors"]})
    expect(len(rules) >= 4, f"A plan of almost nothing lacks only {rules}.")
    stage.saw("clinician", f"put a thin plan in force: refused by {', '.join(rules)}")
    kept = await clinician.post(f"{_newcomer(stage)}/safety-plans", _SAFETY | {"given_on": stage.today})
    whole |= {"safety": whole["safety"] | {"safety_plan": kept.body["id"]}}
    stage.saw("clinician", "a safety plan first, because the ninth question was answered yes")
    await clinician.ask("PUT", path, whole, version=draft.etag)
    name = f"Nell {stage.family_name}"
    for body in ({"kind": "clinician"}, {"kind": "patient", "name": name, "decision": "agrees"}):
        await clinician.post(f"{path}/signatures", body)
    active = (await clinician.post(f"{path}/activation", {}, expect=200)).body
    expect(active["status"] == "active", f"The plan is {active['status']}.")
    stage.saw(
        "clinician, patient",
        f"written, signed by both, in force: {active['hours_per_week'][0]:g} hours a week",
    )


async def merge(stage: Stage) -> None:
    """Two charts of one person are joined, and parted again"""
    intake = stage["intake"]
    person = stage.person(given_name="Nell", birth_date="1991-03-09")
    twin = (await intake.post("/patients", person)).body
    alike = next(one for one in twin["possible_duplicates"] if one["id"] == stage.ids["newcomer"])
    expect(bool(alike), "The second chart did not warn of the first.")
    body = {
        "merged_id": twin["id"],
        "reason": "One person (synthetic).",
        "evidence": "Same card (synthetic).",
    }
    made = (await intake.post(f"{_newcomer(stage)}/merges", body)).body
    expect(made["state"] == "merged", f"The charts are {made['state']}.")
    again = {"unit": "IOP", "opened_on": stage.today}
    await intake.post(f"/patients/{twin['id']}/episodes", again, expect=409)
    stage.saw("intake", "merged: the second chart takes nothing new")
    undone = (await intake.post(f"/merges/{made['id']}/undoing", {"reason": "Sisters."}, expect=200)).body
    expect(undone["undone"] is not None, "Nothing says that the merge was undone.")
    stage.saw("intake", "they were sisters: parted again, and both acts stay in the history")


async def message(stage: Stage) -> None:
    """A message goes to a safe channel, and names nothing"""
    intake = stage["intake"]
    await intake.post(f"{_newcomer(stage)}/packet-links", expect=409)
    stage.saw("intake", "no safe channel is known: refused, somebody calls")
    known = await intake.get(_newcomer(stage))
    safe = {"channels": [{"channel": "email", "address": "nell.testperson@example.org", "safe": True}]}
    await intake.ask("PATCH", _newcomer(stage), safe, version=known.etag)
    await intake.post(f"{_newcomer(stage)}/packet-links")
    listed = (await intake.get(f"/messages?patient={stage.ids['newcomer']}")).body["items"]
    expect([one["template"] for one in listed] == ["packet_link"], "The link is not among the messages.")
    expect("example.org" not in str(listed), "A list of messages shows an address.")
    text = await _delivered(stage.outbox, listed[0]["id"]) if stage.outbox is not None else ""
    named = [word for word in _NEVER if word in text.casefold()]
    expect(not named, f"A message names {named}.")
    stage.saw(
        "intake", f"sent to an address the patient called safe: {' '.join(text.split())[-46:] or 'queued'}"
    )


def _newcomer(stage: Stage) -> str:
    return f"/patients/{stage.ids['newcomer']}"


async def _refused(stage: Stage) -> set[str]:
    """Codes of what admission is refused with."""
    answer = await stage["intake"].post(f"/episodes/{stage.ids['episode']}/admission", {}, expect=409)
    return {one["code"] for one in answer.body["missing"]}


async def _section(stage: Stage, key: str, values: dict[str, Any]) -> None:
    answers = {name: {"value": value} for name, value in values.items()}
    path = f"{_newcomer(stage)}/medical/{key}"
    await stage["clinician"].ask("PUT", path, {"answers": answers}, version='"0"')


def _without_reason(stage: Stage, seen: dict[str, Any]) -> dict[str, Any]:
    return {
        "level": "1.5",
        "start_date": stage.today,
        "patient_view": "agrees",
        "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
    }


async def _delivered(outbox: Path, message_id: str) -> str:
    """What stands in the demo's outbox; WrongAnswer when nothing comes."""
    path = outbox / f"{message_id}.txt"
    for _ in range(120):
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return text.partition("\n\n")[2]
        await asyncio.sleep(0.25)
    expect(False, "The message was not sent.")
    return ""


INTAKE: tuple[Scene, ...] = (packet, flag, placement, admission, plan, merge, message)
