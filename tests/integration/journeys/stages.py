"""The stages of an intake of one synthetic patient, in the order of a visit: safety before money, sharing one by one."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

from tests.integration.journeys.people import INTERPRETER, Journey, scored
from tests.unit.admission.careplan.plans import PLAN

PERSON: dict[str, Any] = {
    "given_name": "Jona",
    "family_name": "Testperson",
    "birth_date": "1988-04-12",
    "sex": "female",
    "language": "en",
    "contacts": [
        {
            "name": "Mira Testperson",
            "relationship": "mother",
            "phone": "+1-555-0171",
            "emergency": True,
            "may_say": "emergency_only",
            "script": "Ask only whether Jona can be reached.",
        }
    ],
}
CALM = scored("asq", (0, 0, 0, 0))
MOTHER = {"type": "person", "name": "Mira Testperson", "covered_entity": False}
DOCTOR = {"type": "entity", "name": "Elm Family Clinic (synthetic)", "covered_entity": True}


def referral(one: Journey) -> None:
    """A call comes in: somebody alike is looked for, then registered once, with an episode and a team."""
    sought = {name: PERSON[name] for name in ("given_name", "family_name", "birth_date")}
    assert one.intake.ok("POST", "/patients/search", sought)["items"] == []
    made = one.intake.ok("POST", "/patients", one.person)
    one.patient_id = made["id"]
    assert made["possible_duplicates"] == []
    found = one.intake.ok("POST", "/patients/search", sought)["items"]
    assert [who["id"] for who in found] == [one.patient_id], "the second caller finds the first one's chart"
    body = {"unit": "U1", "opened_on": one.today.isoformat(), "track": "sud", "referral": "self"}
    one.episode_id = one.intake.ok("POST", f"{one.path}/episodes", body)["id"]
    for who in (one.clinician, one.second):
        one.assign(who)


def safe_contact(one: Journey) -> str:
    """Where it is safe to write, and who interprets; then the link to the packet goes there."""
    version = one.intake.get(one.path).json()["version"]
    one.intake.ok(
        "PATCH",
        one.path,
        {
            "channels": [{"channel": "email", "address": "jona.testperson@example.org", "safe": True}],
            "interpreter": {"needed": True, "language": "es"},
        },
        version=version,
    )
    message = one.come_in()
    text = one.own.ok("GET", "/forms/F13")
    alone = {"outcome": "signed", "text_version": text["version"], "text_sha256": text["sha256"], "language": "en",
             "reader": {"how": "self"}, "device": "own_device"}  # fmt: skip
    refused = one.own.post(f"{one.path}/forms/F13", alone).json()["errors"]
    assert "interpreter_needed" in {fault["code"] for fault in refused}
    one.reader = INTERPRETER
    one.sign("F16", one.own, language="es", video=False)
    one.sign("F13", one.own, language="es")
    return message


def screens_of_safety(one: Journey) -> None:
    one.instrument("asq", one.intake, CALM, interpreter_id=INTERPRETER["interpreter_id"])


def body_check(one: Journey) -> None:
    """The withdrawal block: what was used and when, the scale, the vital signs, and what the nurse makes of it."""
    last_use = one.service.clock.now() - timedelta(days=3)
    one.entry(
        "substances",
        one.own,
        **{
            "class": "alcohol",
            "name": "wine",
            "ever": True,
            "rank": "primary",
            "first_age": 17,
            "last_use": {"value": last_use.isoformat(), "certainty": "about"},
            "days_30": 14,
            "amount": "a bottle",
            "route": "oral",
            "withdrawal": ["none"],
        },
    )
    one.section("withdrawal_history", one.own, seizure_ever=False, delirium_ever=False)
    withdrawing = scored("ciwaar", (0, 0, 1, 1, 0, 0, 0, 0, 0, 0))
    one.instrument("ciwa-ar", one.clinician, withdrawing, last_drink_at=last_use.isoformat())
    measured: dict[str, Any] = {
        name: {"value": value, "source": "measured"} for name, value in VITALS.items()
    }
    one.section("vitals", one.clinician, **measured)
    one.section(
        "medical_status",
        one.clinician,
        intoxicated_now=False,
        needs_24h_medical=False,
        medical_unstable=False,
    )
    one.section("withdrawal", one.clinician, other_illness=False, confirmed_risk="low")
    one.close(one.clinician, "substances", "withdrawal_history")


VITALS = {
    "systolic": 124,
    "diastolic": 80,
    "heart_rate": 72,
    "temperature": 36.8,
    "respiration": 14,
    "weight": 70,
    "height": 170,
}


def medicines(one: Journey) -> None:
    """Medicines and allergies, with the doctor's list at hand."""
    one.entry(
        "medicines",
        one.intake,
        product="Sertraline tablets",
        ingredient="sertraline",
        strength="50 mg",
        dose="1",
        route="mouth",
        frequency="daily",
        status="active",
    )
    one.entry("allergies", one.intake, substance="penicillin", reaction="rash", severity="mild")
    one.close(one.clinician, "medicines", "allergies")


def about_the_person(one: Journey) -> None:
    """Who the patient is and who pays, typed by the patient; the desk sees the card."""
    one.section("person", one.own, race=["white"], hispanic=True, veteran=False)
    one.section("emergency_contact", one.own, has_contact=True)
    one.section(
        "insurance", one.own, covered="plan", plan="Acme Health Plan", member="A-1042", subscriber="self"
    )
    one.close(one.intake, "person", "emergency_contact", "insurance")
    one.sign("F17", one.own, language="es")
    one.sign("F18", one.intake, "given", language="es")


def screens_of_the_patient(one: Journey) -> None:
    """What the patient fills in alone, in private; each is saved on the way."""
    for key, prefix, values in SCREENS:
        done = one.bit_by_bit(key, one.own, scored(prefix, values))
        assert "result" not in done, "a patient alone is told no score"
    needs = scored("ahchrsn", (0, 0, 0, 0, 0, 0, 1, 1, 1, 1)) | {"ahchrsn.2": ["none"]}
    one.bit_by_bit("ahc-hrsn", one.own, needs)


SCREENS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("phq-9", "phq9", (1, 1, 1, 2, 1, 1, 1, 0, 0)),
    ("gad-7", "gad7", (1, 1, 1, 1, 1, 1, 0)),
    ("audit-c", "auditc", (3, 2, 3)),
    ("taps-1", "taps1", (0, 3, 0, 0)),
    ("pc-ptsd-5", "pcptsd5", (0,)),
    ("bam", "bam", (1, 1, 1, 2, 2, 0, 0, 2, 3, 0, 1, 2, 3, 4, 1, 2, 3)),
)


def medical_history(one: Journey) -> None:
    """History by the patient; what needs an examination by the clinician, who then signs for the whole."""
    well = dict.fromkeys(
        ("seizures", "head_injury", "heart", "hypertension", "diabetes", "liver", "kidney", "lungs", "chronic_pain",
         "tuberculosis", "cancer", "stroke"), False
    )  # fmt: skip
    told: dict[str, dict[str, Any]] = {
        "health": well | {"tobacco": "never"},
        "pregnancy": {"could_be": True, "status": "not_pregnant"},
        "tuberculosis_screen": dict.fromkeys(
            ("cough", "fever", "night_sweats", "weight_loss", "exposure"), False
        ),
        "treatment_episodes": {"none": True},
        "psychiatric": {
            "admissions": 0,
            "told_diagnoses": "none",
            "seen_by": "nobody",
            "attempts": 0,
            "self_harm": False,
            "violence": False,
            "homicidal_intent": False,
            "firearms": False,
        },
        "trauma": {"abuse": False},
        "family_history": {"none": True},
        "referral": {"referred_by": "self", "coming_from": "community"},
        "legal": {"status": ["none"], "mandated": False, "arrests_30": 0},
        "home": {"housing": "stable", "lives_with": "my mother", "use_at_home": False, "home_safe": True},
        "supports": {"kinds": ["family"], "support_person": True},
        "daily_life": {
            "work": "part",
            "dependants": "nobody",
            "childcare_ok": True,
            "transport_ok": True,
            "hours_week": 12,
        },
        "goals": {"own_words": "I want my evenings back.", "strengths": "I cook", "readiness": "ready"},
        "overdose_safety": {"naloxone": True},
    }
    for key, values in told.items():
        one.section(key, one.own, **values)
    one.later()
    one.close(one.intake, *told)
    one.section("hiv", one.clinician, offered=True, accepted={"absent": "declined"})
    one.section("infections", one.clinician, hepatitis_offered=True)
    one.section(
        "drug_screen",
        one.clinician,
        collected_at=one.service.clock.now().isoformat(),
        positive_for=["none"],
    )
    one.section(
        "mental_status",
        one.clinician,
        findings="Awake, clear, no psychosis.",
        psychosis_or_mania=False,
        cannot_participate=False,
        can_safety_plan=True,
        disorder_found=True,
    )


def diagnosis(one: Journey) -> None:
    body = {
        "substance": "alcohol",
        "specific": "wine",
        "criteria": [1, 2, 3, 4],
        "dated_on": one.today.isoformat(),
    }
    made = one.clinician.ok("POST", f"{one.path}/diagnoses", body)
    assert made["answers"]["code"] == "F10.20"
    one.clinician.ok("POST", f"{one.path}/medical-review")


def sharing(one: Journey) -> None:
    """One by one, each with a yes or a no of its own; nothing here is needed for admission."""
    one.consent(
        "tpo",
        {"type": "class", "class": "tpo"},
        "TPO",
        "all",
        expiry={"kind": "none"},
    )
    one.consent("specific", MOTHER, "FAMRQT", ["attendance"])
    one.consent("specific", DOCTOR, "TREAT", ["medication_list", "diagnosis"])
    one.sign("F26", one.own, "declined", language="es")


def plan(one: Journey, *, preliminary: bool) -> dict[str, Any]:
    """Written by the clinician, signed by both, in force."""
    body = deepcopy(PLAN)
    day = one.today
    body["goals"][0]["objectives"][0]["due"] = (day + timedelta(days=60)).isoformat()
    second = body["goals"][1]["objectives"][0]
    second["due"] = (day + timedelta(days=42)).isoformat()
    second["milestones"] = [{"due": (day + timedelta(days=20)).isoformat(), "target": 25}]
    body |= {
        "starts_on": day.isoformat(),
        "review_on": (day + timedelta(days=30)).isoformat(),
        "leaving": {"criteria": ["Two weeks without use"], "discussed_on": day.isoformat()},
    }
    if preliminary:
        body |= {"goals": [], "interventions": [], "slots": [], "preliminary": True}
    made = one.clinician.ok("POST", f"{one.path}/care-plans", body)
    refused = one.clinician.post(f"/care-plans/{made['id']}/activation", {})
    assert refused.status_code == 422, "nobody has signed"
    name = f"{PERSON['given_name']} {PERSON['family_name']}"
    one.clinician.ok("POST", f"/care-plans/{made['id']}/signatures", {"kind": "clinician"})
    one.clinician.ok(
        "POST",
        f"/care-plans/{made['id']}/signatures",
        {"kind": "patient", "name": name, "decision": "agrees"},
    )
    return one.clinician.ok("POST", f"/care-plans/{made['id']}/activation")


def copies(one: Journey) -> None:
    one.sign("F23", one.intake, "given", language="es")
    one.sign("F27", one.intake, "given", language="es")
