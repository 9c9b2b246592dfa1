"""The instruments as shipped, and the hand-written vectors, for the tests of this folder.

The vectors of `scoring-cases.csv` came first; those of `scoring-cases-own.csv` ask what they leave open. The
sweeps ask every item for every value, against lists kept here and not read from the instruments' files.
"""

import csv
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from service.intake.definition import load_catalogue, parse_codes, parse_instrument
from service.intake.instrument import Instrument
from service.intake.scoring import Result, score

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "policies" / "instruments"
DATA = ROOT / "tests" / "data"
CATALOGUE = load_catalogue(FOLDER)
CODES = parse_codes("loinc.yaml", (FOLDER / "codes" / "loinc.yaml").read_text(encoding="utf-8"))
#: Copyrighted instruments that the vectors ask about and the service does not ship.
NOT_SHIPPED = {
    key: parse_instrument(f"{key}.yaml", (DATA / "instruments" / f"{key}.yaml").read_bytes(), CODES)
    for key in ("isi", "mdq")
}
ALL = (*CATALOGUE.current(), *NOT_SHIPPED.values())


def shipped(key: str) -> Instrument:
    instrument = CATALOGUE.find(key) or NOT_SHIPPED.get(key)
    assert instrument is not None
    return instrument


def text_of(key: str) -> str:
    return (FOLDER / f"{key}.yaml").read_text(encoding="utf-8")


def altered(key: str, *passages: tuple[str, str]) -> Instrument:
    """The shipped file with passages replaced, read by the same loader."""
    text = text_of(key)
    for old, new in passages:
        assert text.count(old) == 1, f"{old!r} must occur once in {key}"
        text = text.replace(old, new)
    return parse_instrument(f"{key}.yaml", text.encode(), CODES)


@dataclass(frozen=True)
class Case:
    """One row. `subscores`, `findings` and `labels` are asked only where the row says them."""

    id: str
    key: str
    context: dict[str, object]
    answers: list[object]
    status: str
    total: int | None
    band: str | None
    flags: tuple[str, ...]
    subscores: dict[str, int | None] = field(default_factory=dict[str, int | None])
    findings: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None

    def met_by(self, result: Result) -> bool:
        return self.expected == outcome(result) and self.more_met_by(result)

    @property
    def expected(self) -> tuple[str, int | None, str | None, tuple[str, ...]]:
        return self.status, self.total, self.band, self.flags

    def more_met_by(self, result: Result) -> bool:
        """What only some rows say."""
        found = {key: result.subscores.get(key, "no such scale") for key in self.subscores}
        findings = self.findings is None or self.findings == tuple(one.code for one in result.findings)
        labels = self.labels is None or self.labels == tuple(sorted(result.labels))
        return found == self.subscores and findings and labels


def outcome(result: Result) -> tuple[str, int | None, str | None, tuple[str, ...]]:
    return result.status.value, result.total, result.band, tuple(flag.code for flag in result.flags)


def _listed(text: str | None) -> tuple[str, ...] | None:
    """Nothing said is None; a dash is nothing."""
    if not text:
        return None
    return () if text == "-" else tuple(text.split(";"))


def cases_of(file_name: str) -> tuple[Case, ...]:
    with (DATA / file_name).open(encoding="utf-8", newline="") as file:
        return tuple(
            Case(
                id=row["case_id"],
                key=row["instrument"].lower(),
                context=json.loads(row["context"] or "{}"),
                answers=json.loads(row["answers"]),
                status=row["expected_status"],
                total=int(row["expected_total"]) if row["expected_total"] else None,
                band=row["expected_band"] or None,
                flags=_listed(row["expected_flags"]) or (),
                subscores=json.loads(row["expected_subscores"] or "{}"),
                findings=_listed(row.get("expected_findings")),
                labels=_listed(row.get("expected_labels")),
            )
            for row in csv.DictReader(file)
        )


GIVEN = cases_of("scoring-cases.csv")
OWN = cases_of("scoring-cases-own.csv")
CASES = (*GIVEN, *OWN)


def broken_cases(instrument: Instrument) -> list[str]:
    """Ids of the vectors of this instrument that its rules do not meet."""
    return [case.id for case in of(instrument.key) if not case.met_by(_scored(instrument, case))]


def _scored(instrument: Instrument, case: Case) -> Result:
    return score(instrument, case.answers, case.context)


def of(key: str) -> list[Case]:
    return [case for case in CASES if case.key == key]


_FREQUENCY = [0, 1, 2, 3]
_FIVE = [0, 1, 2, 3, 4]
_YES_NO = [0, 1]
#: What each item accepts, in order, as the instruments' authors published it.
ACCEPTED: dict[str, list[list[int]]] = {
    "ahc-hrsn": [[0, 1, 2], [], [0, 1, 2], [0, 1, 2], _YES_NO, [0, 1, 2], *[[1, 2, 3, 4, 5]] * 4],
    "asq": [_YES_NO] * 5,
    "audit": [*[_FIVE] * 8, *[[0, 2, 4]] * 2],
    "audit-c": [_FIVE] * 3,
    "bam": [*[_FIVE] * 13, [0, 4], *[_FIVE] * 3, *[_FIVE] * 7],
    "c-ssrs": [_YES_NO] * 7,
    "cage-aid": [_YES_NO] * 4,
    "ciwa-ar": [*[list(range(8))] * 9, _FIVE],
    "cows": [
        [0, 1, 2, 4],
        [0, 1, 2, 3, 4],
        [0, 1, 3, 5],
        [0, 1, 2, 5],
        [0, 1, 2, 4],
        [0, 1, 2, 4],
        [0, 1, 2, 3, 5],
        [0, 1, 2, 4],
        [0, 1, 2, 4],
        [0, 1, 2, 4],
        [0, 3, 5],
    ],
    "dast-10": [_YES_NO] * 10,
    "gad-7": [_FREQUENCY] * 7,
    "isi": [_FIVE] * 7,
    "mdq": [*[_YES_NO] * 14, _FREQUENCY],
    "pc-ptsd-5": [_YES_NO] * 6,
    "pcl-5": [_FIVE] * 20,
    "phq-2": [_FREQUENCY] * 2,
    "phq-9": [_FREQUENCY] * 10,
    "taps-1": [_FIVE] * 4,
    "whodas-12": [[1, 2, 3, 4, 5]] * 12,
}
HOUSING_PROBLEMS = ["pests", "mold", "lead", "heat", "oven", "smoke", "leaks"]
#: A complete form in which every item is asked, to change one answer in; zeros where nothing is said.
BASE: dict[str, list[object]] = {
    "ahc-hrsn": [0, ["none"], 0, 0, 0, 0, 1, 1, 1, 1],
    "asq": [1, 0, 0, 0, 0],
    "audit": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    "audit-c": [1, 0, 0],
    "c-ssrs": [0, 1, 0, 0, 0, 1, 0],
    "mdq": [*[1] * 14, 2],
    "pc-ptsd-5": [1, 0, 0, 0, 0, 0],
    "whodas-12": [1] * 12,
}
#: Items (from 0) that open the way to others, so that their zero is another question.
GATES = {"asq": {0}, "audit": {0}, "audit-c": {0}, "c-ssrs": {1, 5}, "pc-ptsd-5": {0}}
#: Items (from 0) that make the total; instruments that are not here add every item, or have no total.
ADDED = {"ahc-hrsn": range(6, 10), "mdq": range(13), "pc-ptsd-5": range(1, 6), "phq-9": range(9)}
NO_TOTAL = {"asq", "bam", "c-ssrs", "taps-1"}
#: Items (from 0) that may be left out; a total that may be estimated without one item, except those named.
OPTIONAL = {"phq-9": {9}, "bam": {6, *range(16, 24)}}
ESTIMATED: dict[str, set[int]] = {"phq-9": {8}, "gad-7": set(), "whodas-12": set()}
#: Where a refusal is an answer.
REFUSAL_COUNTS = {"asq", "ahc-hrsn"}
_PSYCHIATRIC = ("asq", "c-ssrs", "gad-7", "isi", "mdq", "pc-ptsd-5", "pcl-5", "phq-2", "phq-9")
_SUBSTANCE_USE = ("audit", "audit-c", "bam", "cage-aid", "ciwa-ar", "cows", "dast-10", "taps-1")
LABELS: dict[str, set[str]] = {
    **{key: {"PSY"} for key in _PSYCHIATRIC},
    **{key: {"SUD"} for key in _SUBSTANCE_USE},
    "ahc-hrsn": {"SDV"},
    "whodas-12": set(),
}
#: Subscales: the items (from 0), and the value from which an item counts as one (0: values are added).
SCALES: dict[str, dict[str, tuple[list[int], int]]] = {
    "audit": {"audit_c": ([0, 1, 2], 0)},
    "bam": {
        "use": ([3, 4, 5], 0),
        "risk": ([0, 1, 2, 7, 10, 14], 0),
        "protective": ([8, 9, 11, 12, 13, 15], 0),
    },
    "pcl-5": {
        "cluster_b": ([0, 1, 2, 3, 4], 2),
        "cluster_c": ([5, 6], 2),
        "cluster_d": ([7, 8, 9, 10, 11, 12, 13], 2),
        "cluster_e": ([14, 15, 16, 17, 18, 19], 2),
    },
    "phq-9": {"symptoms": ([0, 1, 2, 3, 4, 5, 6, 7], 2)},
}


@dataclass(frozen=True)
class Sweep:
    """One answer changed in a complete form, and what of the result is known then (None: not asked)."""

    what: str
    answers: list[object]
    status: str | None = None
    total: int | None = None
    subscores: dict[str, int] = field(default_factory=dict[str, int])
    labels: set[str] | None = None
    context: dict[str, object] = field(default_factory=dict[str, object])

    def met_by(self, result: Result) -> bool:
        status = result.status.value
        right = status != "rejected" if self.status is None else status == self.status
        total = self.total is None or result.total == self.total
        labels = self.labels is None or {label.value for label in result.labels} == self.labels
        return right and total and labels and self.subscores.items() <= result.subscores.items()


@cache
def sweeps_of(key: str) -> tuple[Sweep, ...]:
    """Every item with every value from -1 to 9, without an answer, and refused."""
    lists = ACCEPTED[key]
    base = BASE.get(key, [0] * len(lists))
    found = [Sweep("base", base, labels=LABELS[key])]
    for place, accepted in enumerate(lists):
        for value in range(-1, 10) if accepted else ():
            answers = [*base[:place], value, *base[place + 1 :]]
            found.append(_answered(key, place, value, answers, allowed=value in accepted))
        left_out = [*base[:place], None, *base[place + 1 :]]
        refused = [*base[:place], "R", *base[place + 1 :]]
        status = "incomplete"
        if place in OPTIONAL.get(key, set()):
            status = "complete"
        elif key in ESTIMATED and place not in ESTIMATED[key]:
            status = "prorated"
        found.append(Sweep(f"{place} left out", left_out, status))
        found.append(Sweep(f"{place} refused", refused, "complete" if key in REFUSAL_COUNTS else status))
    return (*found, *_words(key), *_codings(key))


def _answered(key: str, place: int, value: int, answers: list[object], *, allowed: bool) -> Sweep:
    what = f"{place} is {value}"
    if not allowed:
        return Sweep(what, answers, "rejected")
    if place in GATES.get(key, set()) and value == 0:
        return Sweep(what, answers)
    scales = {
        name: sum(
            (answer if count == 0 else int(answer >= count))
            for one in places
            if isinstance(answer := answers[one], int)
        )
        for name, (places, count) in SCALES.get(key, {}).items()
    }
    if key == "whodas-12":
        # the mean of twelve in hundredths, half up
        scales = {"average": (200 * _total(key, answers) + 12) // 24}
    total = None if key in NO_TOTAL else _total(key, answers)
    return Sweep(what, answers, "complete", total, scales)


def _words(key: str) -> list[Sweep]:
    """The multiple choice of the AHC-HRSN."""
    if key != "ahc-hrsn":
        return []
    none_too = [(f"{word} and none", [word, "none"], "rejected") for word in HOUSING_PROBLEMS]
    alone = [(word, [word], "complete") for word in [*HOUSING_PROBLEMS, "none"]]
    others = [
        ("all", HOUSING_PROBLEMS, "complete"),
        ("twice", ["mold", "mold"], "rejected"),
        ("unknown", ["mould"], "rejected"),
        ("other", ["other"], "rejected"),
        ("not a list", "mold", "rejected"),
        ("a number", [1], "rejected"),
        ("empty", [], "incomplete"),
    ]
    base = BASE[key]
    return [
        Sweep(what, [base[0], words, *base[2:]], status)
        for what, words, status in (*none_too, *alone, *others)
    ]


def _codings(key: str) -> list[Sweep]:
    """The WHODAS in its other coding."""
    if key != "whodas-12":
        return []
    context: dict[str, object] = {"coding": "0-4"}
    return [
        Sweep(
            f"{place} is {value} of 0-4",
            [*[0] * place, value, *[0] * (11 - place)],
            "complete" if value in (0, 4) else "rejected",
            value if value in (0, 4) else None,
            context=context,
        )
        for place in range(12)
        for value in (0, 4, 5)
    ]


def _total(key: str, answers: list[object]) -> int:
    places = ADDED.get(key, range(len(answers)))
    values = [value for place in places if isinstance(value := answers[place], int)]
    # the one item that is scored the other way round
    return sum(values) + (1 - 2 * values[2] if key == "dast-10" else 0)
