"""The instruments as shipped, and the hand-written vectors, for the tests of this folder."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from service.intake.definition import load_catalogue, parse_codes, parse_instrument
from service.intake.instrument import Instrument
from service.intake.scoring import Result, score

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "policies" / "instruments"
CATALOGUE = load_catalogue(FOLDER)
CODES = parse_codes("loinc.yaml", (FOLDER / "codes" / "loinc.yaml").read_text(encoding="utf-8"))


def shipped(key: str) -> Instrument:
    instrument = CATALOGUE.find(key)
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
    id: str
    key: str
    answers: list[object]
    status: str
    total: int | None
    band: str | None
    flags: tuple[str, ...]

    def met_by(self, result: Result) -> bool:
        return (self.status, self.total, self.band, self.flags) == outcome(result)


def outcome(result: Result) -> tuple[str, int | None, str | None, tuple[str, ...]]:
    return result.status.value, result.total, result.band, tuple(flag.code for flag in result.flags)


def _cases() -> tuple[Case, ...]:
    with (ROOT / "tests" / "data" / "scoring-cases.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Case(
                id=row["case_id"],
                key=row["instrument"].lower(),
                answers=json.loads(row["answers"]),
                status=row["expected_status"],
                total=int(row["expected_total"]) if row["expected_total"] else None,
                band=row["expected_band"] or None,
                flags=tuple(row["expected_flags"].split(";")) if row["expected_flags"] else (),
            )
            for row in csv.DictReader(file)
        )


CASES = _cases()


def broken_cases(instrument: Instrument) -> list[str]:
    """Ids of the vectors of this instrument that its rules do not meet."""
    return [
        case.id
        for case in CASES
        if case.key == instrument.key and not case.met_by(score(instrument, case.answers))
    ]
