"""P3: what a disclosure decision costs a patient with 1, 10, 100 and 1,000 consents, against itself at 1.

Three shapes of many consents, because they cost differently. `others`: they name other recipients; measured with the
look-up in the database, the opening of what it finds and everything else that is read and locked for a decision.
`elsewhere`: all name this recipient, for other purposes or other kinds of record; in memory, the decision alone.
`matching`: every one would do; in memory. The bars are on the first two: of many that would all do, each is a candidate,
and the narrowest has to be found. Rounds go through the sizes in turn; medians of the rounds are quoted.

The policies' answers are remembered by the engine, as they are in a process that serves.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.consent.model import ConsentRecord
from service.disclosure.accounting import Channel
from service.disclosure.gathering import Wanted, gather
from service.disclosure.judging import judge
from service.disclosure.situation import Situation
from service.ids import ProgramId
from service.people.recipients.operations import recipient_facts
from service.work import Work
from tests.bench.harness import Outcome, median
from tests.house import Cluster, House, Service, open_program
from tests.integration.disclosure.office import CLINIC_ONLY, SPECIFIC, Office
from tests.unit.consent.cases import FIXTURES, consent
from tests.unit.disclosure.rules import RULES, staff
from tests.unit.disclosure.rules import judge as policies
from tests.unit.disclosure.situations import item, situation

SIZES = (1, 10, 100, 1_000)
ROUNDS = 60
ROUNDS_IN_DATABASE = 25
#: Milliseconds at one consent, in memory.
AT_ONE = 0.3
#: Times the cost at one consent.
BARS: Mapping[int, float] = {100: 2.0, 1_000: 5.0}

#: Rows whose sealed columns nobody opens: a look-up by recipient must not even see them.
_CLONE = """
INSERT INTO consent SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid()))).*
FROM consent c, generate_series(1, %(many)s) WHERE c.id = %(consent)s
RETURNING id
"""
_NAME = """
INSERT INTO consent_recipient SELECT (jsonb_populate_record(r, jsonb_build_object('consent_id', %(clone)s::uuid))).*
FROM consent_recipient r WHERE r.consent_id = %(consent)s
"""


def _for_clinic(**change: Any) -> ConsentRecord:
    named = {
        "recipients": [{"name": "Elm Family Clinic", "covered_entity": True}],
        "purposes": ["TREAT"],
        "statements": FIXTURES["C_TPO"]["statements"],
    }
    return consent("C_SPEC", **(named | change))


def _elsewhere() -> list[ConsentRecord]:
    """Consents as a long life collects them: other purposes, other kinds, other subjects."""
    found = [
        _for_clinic(purposes=[code])
        for code in ("HPAYMT", "HOPERAT", "HOUSING", "PATRQT", "COC", "EMPLOYMENT")
    ]
    for kind in ("lab_result", "care_plan", "diagnosis", "discharge_summary", "progress_note"):
        for labels in (["SUD"], ["PSY"], ["HIV", "SUD"]):
            found.append(_for_clinic(scope={"kinds": [kind], "labels": labels}))
    return found


def _copies(variants: list[ConsentRecord], many: int) -> list[ConsentRecord]:
    return [replace(variants[n % len(variants)], consent_id=UUID(int=n + 10)) for n in range(many)]


def _in_memory() -> dict[str, dict[int, list[float]]]:
    """Milliseconds of each decision, by shape and size."""
    ask, attendance, fits = policies(caller=staff()), item("attendance"), _for_clinic()
    elsewhere = _elsewhere()
    asked: dict[str, dict[int, Situation]] = {
        "elsewhere": {n: situation([attendance], [*_copies(elsewhere, n - 1), fits]) for n in SIZES},
        "matching": {n: situation([attendance], _copies([fits], n)) for n in SIZES},
    }
    measured: dict[str, dict[int, list[float]]] = {shape: {n: [] for n in SIZES} for shape in asked}
    for number in range(ROUNDS + 3):
        for shape, sizes in asked.items():
            for n, one in sizes.items():
                started = time.perf_counter()
                decision = judge(one, ask, RULES)
                spent = (time.perf_counter() - started) * 1_000
                if decision.basis is None or decision.basis.id != "B01":
                    raise RuntimeError("the bench decides something else")
                if number >= 3:
                    measured[shape][n].append(spent)
    return measured


def _patient(service: Service, many: int) -> tuple[UUID, UUID]:
    """Somebody with one consent for the clinic, and so many altogether (the others name a lawyer); and the clinic."""
    office = Office(service)
    office.item("attendance")
    office.signed(CLINIC_ONLY | {"recipients": [{"recipient_id": office.clinic}]})
    if many > 1:
        other = office.signed(SPECIFIC)["id"]
        with service.house.superuser() as root:
            root.execute(
                "SET session_replication_role = replica"
            )  # the rows copied have no entry of their own
            for (clone,) in root.execute(_CLONE, {"many": many - 2, "consent": other}).fetchall():
                root.execute(_NAME, {"clone": clone, "consent": other})
            root.execute("ANALYZE consent, consent_recipient")
    return UUID(office.patient_id), UUID(office.clinic)


def _deciding(service: Service, many: int) -> Callable[[], float]:
    """A round: milliseconds of reading, locking and deciding, inside an allowed act that is then recorded."""
    patient_id, clinic = _patient(service, many)
    rules, who = service.house.state.disclosure, service.account("clinician").caller

    def act(work: Work) -> float:
        about = Facts(relationship=True, program=ProgramId(service.program_id))
        work.require(Action.DISCLOSURE_PREVIEW, about, object_kind="disclosure", patient_id=patient_id)
        recipient, purpose = recipient_facts(work, clinic), work.access.purposes.find("TREAT")
        if recipient is None or purpose is None:
            raise RuntimeError("the bench lost its recipient")
        wanted = Wanted(patient_id=patient_id, recipient=recipient, purpose=purpose, channel=Channel.EHR)
        gather(work, rules, wanted)  # keys and plans are warm in a process that serves
        started = time.perf_counter()
        found = gather(work, rules, wanted)
        spent = (time.perf_counter() - started) * 1_000
        if found.decision.basis is None or found.decision.basis.id != "B01":
            raise RuntimeError("the bench decides something else")
        work.record(
            action=Action.DISCLOSURE_PREVIEW, object_kind="disclosure", object_id=None, patient_id=patient_id
        )
        return spent

    return lambda: service.work(who, act)


def _in_database(folder: Path) -> dict[int, list[float]]:
    """Milliseconds from the look-up to the decision, by size."""
    cluster = Cluster(folder / "cluster")
    try:
        house = House(cluster, "bench", folder / "data")
        try:
            acts = {n: _deciding(open_program(house), n) for n in SIZES}
            measured: dict[int, list[float]] = {n: [] for n in SIZES}
            for number in range(ROUNDS_IN_DATABASE + 2):
                for n, act in acts.items():
                    spent = act()
                    if number >= 2:
                        measured[n].append(spent)
            return measured
        finally:
            house.close()
    finally:
        cluster.stop()


def run() -> Outcome:
    """Measure all three shapes and hold the first two against the bars."""
    outcome = Outcome(
        "P3", "disclosure decision by number of consents", ("shape", "consents", "median ms", "ratio", "bar")
    )
    with tempfile.TemporaryDirectory() as temporary:
        shapes = {"others": _in_database(Path(temporary)), **_in_memory()}
    for shape, sizes in shapes.items():
        _report(outcome, shape, sizes, barred=shape != "matching")
    return outcome


def _report(outcome: Outcome, shape: str, sizes: dict[int, list[float]], *, barred: bool) -> None:
    one = median(sizes[1])
    for n, spent in sizes.items():
        cost, ratio = median(spent), median(spent) / one
        bar = BARS.get(n) if barred else None
        in_memory_bar = n == 1 and shape == "elsewhere"
        said = f"<= {AT_ONE} ms" if in_memory_bar else "" if bar is None else f"<= {bar} x"
        outcome.rows.append([shape, str(n), f"{cost:.3f}", f"{ratio:.2f}", said])
        outcome.figures.append({"shape": shape, "consents": n, "milliseconds": spent, "ratio": ratio})
        if bar is not None and ratio > bar:
            outcome.missed.append(f"P3 {shape} at {n}: {ratio:.2f} x, bar {bar} x")
        if in_memory_bar and cost > AT_ONE:
            outcome.missed.append(f"P3 at one consent: {cost:.3f} ms, bar {AT_ONE} ms")
