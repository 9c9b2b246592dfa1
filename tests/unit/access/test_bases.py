"""The table of lawful bases: strict, complete, and one basis for each disclosure."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from service.access.bases import Bases, Family, HipaaAccounting, Part2Accounting, read_bases
from service.errors import StartRefused

TEXT = (Path(__file__).parents[3] / "policies" / "bases.yaml").read_text(encoding="utf-8")
ROW = {
    "title": "A title",
    "rank": 1,
    "family": "no_consent",
    "evidence_kind": "qsoa",
    "accounting": {"part2": "never", "hipaa": "always"},
    "time_limit": "a while",
    "cite": "42 CFR 2.12",
}

#: Basis -> entered in the accounting of 2.25, of 164.528 (decision tables 3.1, 3.2 and 3.4), written a second time.
_CONSENT = ("ehr_only_for_tpo", "unless_tpo_or_authorization")
_AUTHORIZED = ("ehr_only_for_tpo", "unless_authorization")
_LISTED = ("never", "always")
_NOWHERE = ("never", "never")
ACCOUNTING = (
    dict.fromkeys(
        ["B01", "B02", "B03", "B04", "B06", "B07", "B09", "B10", "B11", "B12", "B29", "B39"], _CONSENT
    )
    | dict.fromkeys(["B05", "B08"], _AUTHORIZED)
    | dict.fromkeys(["B22", "B23", "B25", "B26", "B27", "B28", "B31", "B32", "B33", "B37", "B40"], _LISTED)
    | dict.fromkeys(["B38", "B38-APPLICATION", "164.512"], _LISTED)
    | dict.fromkeys(["B21", "B24", "B30", "B34", "B36", "B41"], _NOWHERE)
    | dict.fromkeys(["164.506", "164.508", "164.508(a)(2)", "164.510", "164.514(e)"], _NOWHERE)
    | dict.fromkeys(["B20", "B20-INTAKE", "B20-EMERGENCY", "B04-AUTHOR"], _NOWHERE)
)


@pytest.fixture(scope="module")
def bases() -> Bases:
    return read_bases(TEXT)


def test_accounting_of_every_basis(bases: Bases) -> None:
    found = {name: (basis.part2.value, basis.hipaa.value) for name, basis in bases.by_id.items()}
    assert found == ACCOUNTING


def test_the_narrowest_consent_comes_first_and_hipaa_last(bases: Bases) -> None:
    """Precedence (rules 3.6): consent for this, then none, then the single consent, then what Part 2 does not govern."""
    single = {"B02", "B29"}
    tiers = [
        0 if basis.family is Family.CONSENT and basis.id not in single
        else 1 if basis.family is Family.NO_CONSENT
        else 2 if basis.id in single
        else 3 if basis.family is Family.HIPAA
        else 4
        for basis in bases.by_id.values()
    ]  # fmt: skip
    assert tiers == sorted(tiers)
    assert not {name for name, basis in bases.by_id.items() if basis.family is Family.INTERNAL} & set(
        bases.release
    )


@pytest.mark.parametrize(
    ("ids", "lead"),
    [
        (["B01", "164.508"], "B01"),
        (["B01", "B10"], "B10"),
        (["164.506", "B02", "B24"], "B24"),
        (["164.508", "B02"], "B02"),
        (["G3", "clinician-search", "B21"], "B21"),
        (["G3"], None),
        ([], None),
    ],
)
def test_one_basis_is_recorded(bases: Bases, ids: list[str], lead: str | None) -> None:
    found = bases.lead(ids)
    assert (found.id if found else None) == lead


def test_a_row_is_read() -> None:
    basis = read_bases(yaml.safe_dump({"bases": {"X": ROW}})).by_id["X"]
    assert (basis.family, basis.evidence_kind, basis.consent_kinds) == (
        Family.NO_CONSENT,
        "qsoa",
        frozenset(),
    )
    assert (basis.part2, basis.hipaa) == (Part2Accounting.NEVER, HipaaAccounting.ALWAYS)


@pytest.mark.parametrize(
    "change",
    [
        {"rank": "1"},
        {"rank": True},
        {"family": "guess"},
        {"consent_kinds": "tpo"},
        {"accounting": {"part2": "never"}},
        {"accounting": {"part2": "never", "hipaa": "perhaps"}},
        {"accounting": {"part2": "sometimes", "hipaa": "never"}},
        {"title": ""},
        {"cite": None},
        {"parent": "B01"},
    ],
    ids=str,
)
def test_a_faulty_row_refuses_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(StartRefused, match=r"bases\.yaml"):
        read_bases(yaml.safe_dump({"bases": {"X": ROW | change}}))


@pytest.mark.parametrize("field", ["title", "rank", "family", "accounting", "time_limit", "cite"])
def test_a_row_without_a_field_refuses_the_start(field: str) -> None:
    row = {name: value for name, value in ROW.items() if name != field}
    with pytest.raises(StartRefused, match=r"bases\.yaml"):
        read_bases(yaml.safe_dump({"bases": {"X": row}}))


@pytest.mark.parametrize("document", ["", "[]", "{", "bases: [1]", "bases: {}\nmore: {}", "others: {}"])
def test_what_is_no_table_refuses_the_start(document: str) -> None:
    with pytest.raises(StartRefused, match=r"bases\.yaml"):
        read_bases(document)


def test_two_bases_never_share_a_rank() -> None:
    with pytest.raises(StartRefused, match="twice"):
        read_bases(yaml.safe_dump({"bases": {"X": ROW, "Y": ROW}}))
