"""The paragraph about a decision: right about counts and codes, and silent about the patient."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.decision import Confidence, Obligation
from service.disclosure.decide import Basis, DisclosureDecision, Effect, Explained, Item, Withheld
from service.disclosure.paragraph import paragraph
from service.disclosure.words import LANGUAGES
from tests.unit.disclosure.test_words import WORDS, codes_of_reasons, ids_of_bases

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CITATION = "42 CFR 2.31"


def items(count: int, kind: str = "lab_result", label: str = "HIV") -> tuple[Item, ...]:
    return tuple(Item(UUID(int=n + 1), kind, (label,)) for n in range(count))


def decision(
    effect: Effect,
    basis: str | None = None,
    granted: int = 0,
    withheld: tuple[Withheld, ...] = (),
    duties: tuple[Obligation, ...] = (),
    reasons: tuple[Explained, ...] = (),
) -> DisclosureDecision:
    return DisclosureDecision(
        effect=effect,
        basis=None if basis is None else Basis(basis, CITATION, UUID(int=77)),
        granted=items(granted),
        withheld=withheld,
        obligations=duties,
        reasons=reasons,
        rulings=(),
        accounting=None,
        evaluated_at=AT,
        policy_version="0",
    )


STAYS = (
    Withheld("lab_result", 2, "ITEM_NOT_IN_SCOPE", "42 CFR 2.31(a)(3)"),
    Withheld("diagnosis", 1, "ITEM_NOT_IN_SCOPE", "42 CFR 2.31(a)(3)"),
    Withheld("counseling_note", 1, "SCN_CONSENT_REQUIRED", "42 CFR 2.31(b)"),
)
DUTIES = (Obligation.NOTICE_2_32, Obligation.COPY_OR_EXPLANATION_OF_CONSENT)


def test_a_permission_word_for_word() -> None:
    assert paragraph(decision(Effect.PERMIT, "B01", 3, duties=DUTIES), WORDS, "en") == (
        "All that was asked for may be shared: 3 records. Why this is allowed: the patient signed a consent for this "
        "purpose and this recipient (B01; 42 CFR 2.31). What comes with it: the notice that federal law asks for; a "
        "copy of the consent, or a clear account of what it covers. How long this holds: until the consent ends or "
        "is revoked."
    )


def test_a_part_says_what_stays_and_why_by_reason() -> None:
    said = paragraph(decision(Effect.PARTIAL, "B01", 1, STAYS), WORDS, "en")
    assert "A part of what was asked for may be shared: 1 record. The rest stays here: 4 records." in said
    assert (
        "Why the rest stays here: the consent does not cover this kind of record (3 records; 42 CFR 2.31(a)(3)); "
        "session notes need a consent of their own (1 record; 42 CFR 2.31(b))." in said
    )


def test_a_denial_in_both_languages() -> None:
    no = decision(Effect.DENY, withheld=STAYS[2:])
    assert paragraph(no, WORDS, "en") == (
        "Nothing may be shared. Why: session notes need a consent of their own (1 record; 42 CFR 2.31(b)). "
        "The answer is for today. It can change when the facts change."
    )
    assert paragraph(no, WORDS, "es") == (
        "No se puede compartir nada. Por qué: las notas de las sesiones piden un permiso aparte (1 documento; "
        "42 CFR 2.31(b)). Esta es la respuesta de hoy. Puede cambiar si cambian los hechos."
    )


def test_a_denial_about_nothing_still_gives_its_reason() -> None:
    why = (Explained("NO_RECORDS", "42 CFR 2.13(a)", Confidence.POLICY, "x"),)
    said = paragraph(decision(Effect.DENY, reasons=why), WORDS)
    assert "Why: there are no such records (42 CFR 2.13(a))." in said


def test_a_review_names_what_has_to_be_looked_at() -> None:
    doubt = (Withheld("diagnosis", 1, "C-EXPIRY-UNKNOWN", "42 CFR 2.31(c)(1)"),)
    said = paragraph(decision(Effect("needs_review"), withheld=doubt), WORDS)
    assert said.startswith(
        "Nothing is shared yet. A person must look at this first. What has to be looked at: nobody"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
def test_any_decision_is_one_paragraph_without_the_patient(language: str, data: st.DataObject) -> None:
    """No kind of record, subject, item or consent is in it, whatever the decision; every basis and reason is."""
    effect = data.draw(st.sampled_from([Effect.PERMIT, Effect.PARTIAL, Effect.DENY]))
    shared = effect is not Effect.DENY
    basis = data.draw(st.sampled_from(sorted(ids_of_bases()))) if shared else None
    codes = data.draw(st.lists(st.sampled_from(sorted(codes_of_reasons())), unique=True, max_size=4))
    stays = tuple(Withheld("kind_canary", 1, code, CITATION) for code in codes)
    duties = tuple(data.draw(st.lists(st.sampled_from(list(Obligation)), unique=True)))
    made = decision(effect, basis, 2 if shared else 0, stays if effect is not Effect.PERMIT else (), duties)
    said = paragraph(made, WORDS, language)
    assert len(said.splitlines()) == 1
    assert said.endswith(".")
    assert not any(f"{brace}" in said for brace in "{}")
    for secret in ("kind_canary", "lab_result", "HIV", str(UUID(int=77)), str(UUID(int=1))):
        assert secret not in said
    if basis is not None:
        assert f"({basis}; {CITATION})" in said
        assert WORDS.of(language).bases[basis].why in said
    if effect is not Effect.PERMIT:
        assert all(WORDS.of(language).reasons[code] in said for code in codes)
    assert all((WORDS.of(language).obligations[duty.value] in said) is shared for duty in duties)


def test_codes_without_words_are_named_never_left_out() -> None:
    stays = (Withheld("diagnosis", 1, "NEW-RULE", CITATION),)
    said = paragraph(decision(Effect.PARTIAL, "B99", 1, stays), WORDS)
    assert "(B99; 42 CFR 2.31)" in said
    assert "NEW-RULE" in said
