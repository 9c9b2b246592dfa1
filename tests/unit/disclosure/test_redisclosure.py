"""Labels and what a recipient may do next: a table of recipients and grounds, and what holds for all of them."""

import re
from dataclasses import replace
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.access.program import Regime
from service.access.purposes import PurposeClass
from service.config import ROOT
from service.consent.model import ConsentKind
from service.disclosure.redisclosure import (
    OWN_CODES,
    Ground,
    Marked,
    labels_for,
    may_redisclose,
    read_redisclosure,
)
from service.disclosure.situation import Recipient
from service.errors import StartRefused
from service.labels import Label
from service.people.recipient import RecipientRole, RecipientType
from service.record.item import NoteClass, Provenance

TEXT = (ROOT / "policies" / "redisclosure.yaml").read_text(encoding="utf-8")
RULES = read_redisclosure(TEXT)

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
LOCAL = "urn:consentry:handling"
#: Codes HL7 has none for, or that must be ours: nothing local may claim HL7's system.
LOCAL_CODES = {"NO-USE-IN-PROCEEDINGS", "BACK-TO-SOURCE-ONLY", "AS-ORDERED", "SUD-COUNSELING-NOTE"}

PART2 = Marked(Regime.PART2, labels=frozenset({Label.SUD}))
HIPAA = Marked(Regime.HIPAA_ONLY, labels=frozenset({Label.PSY}))

T, P, O = PurposeClass.TREATMENT, PurposeClass.PAYMENT, PurposeClass.OPERATIONS  # noqa: E741 -- the law's letters
RESEARCH, LEGAL, OTHER = PurposeClass.RESEARCH, PurposeClass.LEGAL, PurposeClass.OTHER


def somebody(*roles: str, hipaa: bool = False, type: str = "entity") -> Recipient:
    return Recipient(UUID(int=9), "Elm Testclinic", hipaa, False, frozenset(), frozenset(roles), type)


def of(recipient: Recipient, ground: Ground, item: Marked = PART2) -> set[str]:
    return {label.code for label in labels_for(item, recipient, ground, RULES)}


CLINIC = somebody(hipaa=True)
ASSOCIATE = replace(somebody(), business_associate=True)
PROGRAM = somebody("part2_program")
INSURER = somebody("third_party_payer")
DOCTOR = somebody("medical_personnel")
LAWYER = somebody(type="person")

#: Who, on what, and: the row that speaks, and the codes about handling.
TABLE = [
    # consents for treatment, payment and operations
    (CLINIC, "B02", "tpo", T, "hipaa_single_consent", {"CPLYJPP", "PRIVMARK"}),
    (ASSOCIATE, "B02", "tpo", O, "hipaa_single_consent", {"CPLYJPP", "PRIVMARK"}),
    (CLINIC, "B29", "tpo", O, "hipaa_single_consent", {"CPLYJPP", "PRIVMARK"}),
    (CLINIC, "B01", "specific", T, "hipaa_consent", {"CPLYJPP", "PRIVMARK"}),
    (CLINIC, "B03", "intermediary", T, "hipaa_consent", {"CPLYJPP", "PRIVMARK"}),
    (CLINIC, "B09", "payer", P, "hipaa_consent", {"CPLYJPP", "PRIVMARK"}),
    (PROGRAM, "B02", "tpo", T, "program_single_consent", {"NORDSCLCD", "PRIVMARK"}),
    (PROGRAM, "B01", "specific", T, "treatment_outside_hipaa", {"NORDSCLCD", "PRIVMARK"}),
    (INSURER, "B09", "payer", P, "payment_and_operations", {"NORDSCLCD", "PRIVMARK"}),
    (INSURER, "B39", "payer", P, "payment_and_operations", {"NORDSCLCD", "PRIVMARK"}),
    (DOCTOR, "B01", "specific", T, "treatment_outside_hipaa", {"NORDSCLCD", "PRIVMARK"}),
    # a covered entity for another purpose is like anybody else
    (CLINIC, "B01", "specific", OTHER, "named", {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    (CLINIC, "B11", "fundraising", PurposeClass.OTHER, "named", {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    (LAWYER, "B01", "specific", OTHER, "named", {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    # consents of their own kind
    (CLINIC, "B04", "counseling_notes", T, "session_notes", {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    (LAWYER, "B05", "legal_proceedings", LEGAL, "proceeding_by_consent",
     {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    (somebody("central_registry"), "B06", "registry", T, "registry", {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    (somebody("criminal_justice"), "B07", "criminal_justice", OTHER, "criminal_justice",
     {"NORDSCLCD", "NOREUSE", "PRIVMARK"}),
    (somebody("pdmp"), "B08", "pdmp", OTHER, "pdmp", {"NOREUSE", "PRIVMARK"}),
    (somebody("researcher"), "B01", "research", RESEARCH, "researcher_by_consent",
     {"NORDSCLCD", "NOREUSE", "NORELINK", "PRIVMARK"}),
    (somebody(type="intermediary"), "B03", "intermediary", T, "intermediary", {"NORDSCLCD", "PRIVMARK"}),
    (somebody(type="intermediary", hipaa=True), "B03", "intermediary", T, "intermediary",
     {"NORDSCLCD", "PRIVMARK"}),
    # without consent: no notice is owed, so none is marked
    (somebody("administrative_control"), "B20", None, O, "administrative_control", {"NOREUSE"}),
    (somebody("qso"), "B21", None, O, "qualified_service_organization", {"NOREUSE", "BACK-TO-SOURCE-ONLY"}),
    (somebody("law_enforcement"), "B22", None, OTHER, "law_enforcement_incident", {"NOREUSE"}),
    (somebody("child_protection"), "B23", None, OTHER, "child_protection", {"NOREUSE"}),
    (DOCTOR, "B24", None, T, "emergency", {"CPLYJPP"}),
    (somebody("fda"), "B25", None, OTHER, "fda", {"NOREUSE"}),
    (somebody("researcher"), "B26", None, RESEARCH, "research",
     {"NOREUSE", "NORELINK", "DEID", "BACK-TO-SOURCE-ONLY"}),
    (somebody("auditor"), "B27", None, O, "audit_on_premises", {"NOREUSE", "BACK-TO-SOURCE-ONLY"}),
    (somebody("auditor"), "B28", None, O, "audit_with_copies", {"NOREUSE", "DELAU", "BACK-TO-SOURCE-ONLY"}),
    (somebody("public_health_authority"), "B30", None, OTHER, "public_health", {"DEID", "NORELINK"}),
    (somebody("court"), "B31", None, LEGAL, "court_order", {"AS-ORDERED", "NOREUSE"}),
    (somebody("law_enforcement"), "B32", None, LEGAL, "court_order", {"AS-ORDERED", "NOREUSE"}),
    (somebody("law_enforcement"), "B33", None, LEGAL, "order_against_program", {"AS-ORDERED", "NOREUSE"}),
    (somebody("law_enforcement"), "B34", None, LEGAL, "order_against_program", {"AS-ORDERED", "NOREUSE"}),
    (somebody("patient"), "B36", None, OTHER, "patient", set[str]()),
    (somebody("personal_representative"), "B36", None, OTHER, "representative", set[str]()),
    (somebody("medical_examiner"), "B37", None, OTHER, "cause_of_death", {"NOREUSE"}),
    (somebody("parent_or_guardian"), "B38", None, OTHER, "parent_of_minor", {"NOREUSE", "NORDSCLCD"}),
    (somebody("parent_or_guardian"), "B38-APPLICATION", None, OTHER, "parent_of_minor",
     {"NOREUSE", "NORDSCLCD"}),
    (somebody("hhs_secretary"), "B40", None, OTHER, "secretary", {"NOREUSE"}),
    (somebody("armed_forces"), "B41", None, T, "interchange", {"NOREUSE"}),
]  # fmt: skip
ALWAYS = {"R", "SUD", "42CFRPart2", "MINEC", "PERSISTLABEL", "NO-USE-IN-PROCEEDINGS"}


def ground(basis: str, consent: str | None, purpose: PurposeClass, *, accounted: bool = False) -> Ground:
    return Ground(basis, None if consent is None else ConsentKind(consent), purpose, accounted)


@pytest.mark.parametrize(
    ("recipient", "basis", "consent", "purpose", "row", "handling"),
    TABLE,
    ids=[f"{row[4]}-{row[1]}-{n}" for n, row in enumerate(TABLE)],
)
def test_each_recipient_gets_its_labels(
    recipient: Recipient, basis: str, consent: str | None, purpose: PurposeClass, row: str, handling: set[str]
) -> None:
    on = ground(basis, consent, purpose)
    assert may_redisclose(recipient, on, RULES).id == row
    assert of(recipient, on) == ALWAYS | handling


def test_every_row_for_part_2_is_in_the_table() -> None:
    """A row nobody tries could say anything."""
    assert {row.id for when, row in RULES.rows if when.law == "part2"} == {row[4] for row in TABLE}


HIPAA_TABLE = [
    (somebody("patient"), "164.506", OTHER, "hipaa_patient", set[str]()),
    (CLINIC, "164.514(e)", RESEARCH, "limited_data_set", {"NOREUSE", "NORELINK"}),
    (CLINIC, "164.506", T, "hipaa_covered", {"CPLYJPP"}),
    (LAWYER, "164.508", OTHER, "hipaa_other", set[str]()),
]


@pytest.mark.parametrize(
    ("recipient", "basis", "purpose", "row", "handling"), HIPAA_TABLE, ids=[row[3] for row in HIPAA_TABLE]
)
def test_items_outside_part_2_claim_no_part_2(
    recipient: Recipient, basis: str, purpose: PurposeClass, row: str, handling: set[str]
) -> None:
    consent = ConsentKind.SPECIFIC if basis == "164.508" else None
    on = Ground(basis, consent, purpose)
    assert may_redisclose(recipient, on, RULES, law="hipaa").id == row
    assert of(recipient, on, HIPAA) == {"R", "PSY", "MINEC", "PERSISTLABEL"} | handling


def test_every_row_outside_part_2_is_in_the_table() -> None:
    assert {row.id for when, row in RULES.rows if when.law == "hipaa"} == {row[3] for row in HIPAA_TABLE}


TPO = Ground("B02", ConsentKind.TPO, T)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Marked(Regime.PART2), {"R", "42CFRPart2", "NO-USE-IN-PROCEEDINGS"}),
        (Marked(Regime.PART2, NoteClass.SUD_COUNSELING_NOTE),
         {"V", "PSYTHPN", "SUD-COUNSELING-NOTE", "42CFRPart2", "NO-USE-IN-PROCEEDINGS"}),
        (Marked(Regime.HIPAA_ONLY, NoteClass.PSYCHOTHERAPY_NOTE), {"V", "PSYTHPN", "HIPAAPsyNotes"}),
        (Marked(Regime.HIPAA_ONLY), {"R"}),
        (Marked(Regime.HIPAA_ONLY, labels=frozenset()), {"R"}),
        (Marked(Regime.HIPAA_ONLY, labels=frozenset({Label.SUD})), {"R", "SUD"}),
        (Marked(Regime.HIPAA_ONLY, self_pay=True), {"R", "HIPAASelfPay"}),
        # the stricter law when nobody knows where it came from, and for words of a Part 2 unit wherever they stand
        (Marked(None), {"R", "42CFRPart2", "NO-USE-IN-PROCEEDINGS"}),
        (Marked(Regime.HIPAA_ONLY, provenance=Provenance.QUOTES_PART2),
         {"R", "42CFRPart2", "NO-USE-IN-PROCEEDINGS"}),
        (Marked(Regime.HIPAA_ONLY, provenance=Provenance.RECEIVED_PART2),
         {"R", "42CFRPart2", "NO-USE-IN-PROCEEDINGS"}),
    ],
    ids=["part2", "counseling", "psychotherapy", "unlabelled", "no-labels", "about-sud", "self-pay", "unknown",
         "quotes", "received"],
)  # fmt: skip
def test_labels_of_an_item(item: Marked, expected: set[str]) -> None:
    carried = {"PRIVMARK"} if "42CFRPart2" in expected else set[str]()
    assert of(CLINIC, TPO, item) == {"MINEC", "PERSISTLABEL", "CPLYJPP"} | expected | carried


def test_a_label_the_clinic_does_not_call_sensitive_leaves_an_item_normal() -> None:
    """Today every label we have is sensitive; a clinic that takes one off the list gets N, never less."""
    rules = replace(RULES, restricted_by=RULES.restricted_by - {Label.PSY})
    assert labels_for(HIPAA, CLINIC, TPO, rules)[0].code == "N"
    assert labels_for(replace(HIPAA, labels=frozenset(Label)), CLINIC, TPO, rules)[0].code == "R"
    assert labels_for(replace(HIPAA, regime=Regime.PART2), CLINIC, TPO, rules)[0].code == "R"


def test_each_of_our_labels_has_a_code_of_hl7() -> None:
    found = labels_for(replace(PART2, labels=frozenset(Label)), CLINIC, TPO, RULES)
    assert {label.code for label in found} >= {"SUD", "PSY", "HIV", "STD", "SDV", "SEX"}
    assert "REPRO" not in {label.code for label in found}


def test_what_is_accounted_says_so() -> None:
    assert "AOD" in of(LAWYER, ground("B01", "specific", OTHER, accounted=True))
    assert "AOD" not in of(LAWYER, ground("B01", "specific", OTHER))


def test_codes_stand_in_their_own_system() -> None:
    for code, label in RULES.codes.items():
        expected = LOCAL if code in LOCAL_CODES else CONFIDENTIALITY if code in "VRN" else ACT
        assert (label.code, label.system) == (code, expected)
        assert label.display


RECIPIENTS = st.builds(
    Recipient,
    id=st.just(UUID(int=9)),
    name=st.just("Elm Testclinic"),
    covered_entity=st.booleans(),
    business_associate=st.booleans(),
    roles=st.frozensets(st.sampled_from([role.value for role in RecipientRole]), max_size=3),
    type=st.sampled_from([kind.value for kind in RecipientType]),
)
BASES = sorted({row[1] for row in TABLE} | {row[1] for row in HIPAA_TABLE} | {"B12", "B35", "no such basis"})
GROUNDS = st.builds(
    Ground,
    basis=st.sampled_from(BASES),
    consent=st.none() | st.sampled_from(ConsentKind),
    purpose=st.sampled_from(PurposeClass),
    accounted=st.booleans(),
)
ITEMS = st.builds(
    Marked,
    regime=st.none() | st.sampled_from(Regime),
    note_class=st.sampled_from(NoteClass),
    labels=st.none() | st.frozensets(st.sampled_from(Label)),
    provenance=st.sampled_from(Provenance),
    self_pay=st.booleans(),
)


@given(ITEMS, RECIPIENTS, GROUNDS)
def test_every_part_2_item_is_barred_from_proceedings_and_says_its_law(
    item: Marked, recipient: Recipient, on: Ground
) -> None:
    codes = of(recipient, on, item)
    barred = {"NO-USE-IN-PROCEEDINGS", "42CFRPart2"}
    if item.regime is Regime.HIPAA_ONLY and item.provenance is Provenance.OWN:
        assert not codes & barred
    else:
        assert codes >= barred
        assert codes & {"R", "V"}
    assert len(codes & {"N", "R", "V"}) == 1
    assert codes >= {"MINEC", "PERSISTLABEL"}


@given(ITEMS, RECIPIENTS, GROUNDS)
def test_a_covered_entity_is_never_told_more_than_the_law_says(
    item: Marked, recipient: Recipient, on: Ground
) -> None:
    """42 CFR 2.33(b)(1): with a TPO consent it may go on under HIPAA."""
    hipaa = recipient.covered_entity or recipient.business_associate
    if hipaa and on.consent is ConsentKind.TPO and on.purpose.is_tpo and on.basis == "B02":
        codes = of(recipient, on, item)
        assert "NORDSCLCD" not in codes
        assert "CPLYJPP" in codes or (not item.under_part2 and "patient" in recipient.roles)


@given(RECIPIENTS, GROUNDS)
def test_nobody_outside_hipaa_is_told_that_hipaa_lets_them(recipient: Recipient, on: Ground) -> None:
    hipaa = recipient.covered_entity or recipient.business_associate
    if on.consent is not None and not hipaa and on.basis not in {"B24"}:
        assert "CPLYJPP" not in of(recipient, on)


@given(ITEMS, RECIPIENTS, GROUNDS)
def test_the_labels_have_one_order(item: Marked, recipient: Recipient, on: Ground) -> None:
    first = labels_for(item, recipient, on, RULES)
    assert first == labels_for(item, recipient, on, RULES)
    assert len({label.code for label in first}) == len(first)
    assert first[0].code in {"V", "R", "N"}


def test_the_words_are_for_the_recipient() -> None:
    """Each row speaks to the recipient, in short sentences, and says how sure we are."""
    for _, row in RULES.rows:
        assert re.search(r"\b(you|your|this|these)\b", row.text.casefold())
        assert re.search(r"4[25] CFR \d", row.citation)
        assert max(len(sentence.split()) for sentence in re.split(r"[.;:] ", row.text)) <= 36


def broken(**changes: object) -> str:
    return yaml.safe_dump(yaml.safe_load(TEXT) | changes)


def without_code(code: str) -> str:
    loaded = yaml.safe_load(TEXT)
    del loaded["codes"][code]
    return yaml.safe_dump(loaded)


def with_rows(change: str) -> str:
    loaded = yaml.safe_load(TEXT)
    rows = loaded["recipients"]
    match change:
        case "no last row":
            loaded["recipients"] = [row for row in rows if row["id"] != "named"]
        case "hidden row":
            rows.insert(0, {**rows[0], "id": "first", "when": {"law": "part2"}})
        case "same id":
            rows[1]["id"] = rows[0]["id"]
        case "unknown role":
            rows[0]["when"]["roles"] = ["neighbour"]
        case "unknown condition":
            rows[0]["when"]["weather"] = "fine"
        case "unknown code":
            rows[0]["handling"] = ["NOSUCHCODE"]
        case "no words":
            rows[0]["may"] = " "
        case "no such confidence":
            rows[0]["conf"] = "certain"
        case _:
            raise AssertionError(change)
    return yaml.safe_dump(loaded)


@pytest.mark.parametrize(
    "change",
    ["no last row", "hidden row", "same id", "unknown role", "unknown condition", "unknown code", "no words",
     "no such confidence"],
)  # fmt: skip
def test_a_table_with_a_fault_stops_the_start(change: str) -> None:
    with pytest.raises(StartRefused, match=re.escape("redisclosure.yaml")):
        read_redisclosure(with_rows(change))


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "[]",
        broken(more=1),
        broken(always=["NOSUCHCODE"]),
        broken(sensitivity={"SUD": "SUD"}),
        broken(systems={"act": ACT}),
    ],
    ids=["not-yaml", "no-table", "unknown-part", "unknown-code", "label-without-code", "missing-system"],
)
def test_a_file_with_a_fault_stops_the_start(text: str) -> None:
    with pytest.raises(StartRefused, match=re.escape("redisclosure.yaml")):
        read_redisclosure(text)


@pytest.mark.parametrize("code", sorted(OWN_CODES))
def test_a_code_this_service_gives_must_be_described(code: str) -> None:
    with pytest.raises(StartRefused, match=code):
        read_redisclosure(without_code(code))
