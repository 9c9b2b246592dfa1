"""The statements of 42 CFR 2.32(a) go out letter by letter, and only with an explanation (2.32(b))."""

import hashlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.consent.model import ConsentKind, Expiry, ExpiryKind, Scope
from service.disclosure.explanation import Explainable, Words, scope_explanation
from service.disclosure.notice import FULL, PINNED, SHORT, read_notices
from service.errors import StartRefused
from tests.unit.disclosure.rules import NOTICE_TEXTS, NOTICES, missing_duty

#: What went out before the rule of 2024, and what people still copy: further *disclosure* is prohibited, of use there
#: is no word, and of the proceedings only the criminal ones.
_ONLY_WITH_CONSENT = (
    " unless further disclosure is expressly permitted by the written consent of the individual whose information is "
    "being disclosed in this record or, is otherwise permitted by 42 CFR part 2. A general authorization for the "
    "release of medical or other information is NOT sufficient for this purpose (see 2.31). The federal rules restrict "
    "any use of the information to investigate or prosecute with regard to a crime any patient with a substance use "
    "disorder, except as provided at 2.12(c)(5) and 2.65."
)
OUT_OF_DATE = {
    "2018-short": "42 CFR part 2 prohibits unauthorized disclosure of these records.",
    "2018-full": (
        "This information has been disclosed to you from records protected by federal confidentiality rules (42 CFR "
        "part 2). The federal rules prohibit you from making any further disclosure of information in this record that "
        "identifies a patient as having or having had a substance use disorder either directly, by reference to "
        "publicly available information, or through verification of such identification by another person"
        + _ONLY_WITH_CONSENT
    ),
    "2020-full": (
        "This record which has been disclosed to you is protected by federal confidentiality rules (42 CFR part 2). "
        "The federal rules prohibit you from making any further disclosure of this record"
        + _ONLY_WITH_CONSENT
    ),
    # the words of today with a sentence of yesterday behind them
    "hybrid": NOTICES.full.text + _ONLY_WITH_CONSENT,
}


def test_the_texts_are_the_pinned_ones() -> None:
    for name, notice in NOTICES.by_id.items():
        assert hashlib.sha256(notice.text.encode()).hexdigest() == PINNED[name] == notice.sha256
    assert NOTICES.by_id[SHORT].text == (
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
    )
    full = NOTICES.by_id[FULL].text
    assert full.startswith(
        "This record which has been disclosed to you is protected by Federal confidentiality rules"
    )
    assert "civil, criminal, administrative, or legislative proceedings" in full
    assert full.endswith("(see 42 CFR 2.31).")
    assert NOTICES.full.id == FULL


@pytest.mark.parametrize("name", sorted(PINNED))
def test_one_changed_letter_stops_the_start(name: str) -> None:
    with pytest.raises(StartRefused, match=name):
        read_notices(
            NOTICE_TEXTS | {name: NOTICE_TEXTS[name].replace("e", "\N{CYRILLIC SMALL LETTER IE}", 1)}
        )


def test_a_missing_or_added_text_stops_the_start() -> None:
    with pytest.raises(StartRefused):
        read_notices({FULL: NOTICE_TEXTS[FULL]})
    with pytest.raises(StartRefused):
        read_notices(NOTICE_TEXTS | {"2.32-a-1.2018": OUT_OF_DATE["2018-full"]})


@pytest.mark.parametrize("old", sorted(OUT_OF_DATE))
def test_texts_of_before_2024_are_refused(old: str) -> None:
    code = missing_duty(notice_text=OUT_OF_DATE[old], consent_copy=None, explanation="a clear explanation")
    assert code == "NOTICE_TEXT_OUT_OF_DATE"


@pytest.mark.parametrize("old", sorted(OUT_OF_DATE))
@pytest.mark.parametrize("name", sorted(PINNED))
def test_an_old_text_under_a_current_name_stops_the_start(name: str, old: str) -> None:
    with pytest.raises(StartRefused, match=name):
        read_notices(NOTICE_TEXTS | {name: OUT_OF_DATE[old]})


@pytest.mark.parametrize("text", ["", None, "notice"])
def test_no_text_is_no_notice(text: str | None) -> None:
    code = missing_duty(notice_text=text, consent_copy="a copy", explanation="words")
    assert code == "NOTICE_TEXT_OUT_OF_DATE"


@given(st.data(), st.sampled_from(sorted(PINNED)), st.sampled_from(["", " ", "x", "\n"]))
def test_any_edit_of_a_statement_is_refused(data: st.DataObject, name: str, put: str) -> None:
    text = NOTICES.by_id[name].text
    at = data.draw(st.integers(0, len(text) - 1))
    edited = text[:at] + put + text[at + 1 :]
    code = missing_duty(notice_text=edited, consent_copy="a copy", explanation=None)
    assert code == (None if edited == text else "NOTICE_TEXT_OUT_OF_DATE")


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_neither_copy_nor_explanation_is_refused(blank: str | None) -> None:
    text = NOTICES.full.text
    assert (
        missing_duty(notice_text=text, consent_copy=blank, explanation=blank) == "MISSING_COPY_OR_EXPLANATION"
    )
    assert missing_duty(notice_text=text, consent_copy="copy", explanation=blank) is None
    assert missing_duty(notice_text=text, consent_copy=blank, explanation="words") is None


WORDS = Words(
    kinds={"attendance": "attendance", "lab_result": "laboratory results"},
    labels={"SUD": "alcohol and drug use"},
    events={"discharge": "I am discharged from this program"},
)


def explained(
    kind: ConsentKind = ConsentKind.SPECIFIC,
    scope: Scope | None = None,
    expiry: Expiry | None = None,
) -> str:
    return scope_explanation(
        Explainable(
            kind=kind,
            recipient="Lee Attorney",
            purpose="Housing application",
            scope=scope or Scope(("attendance",), ("SUD",), description="only what my sister Ann may know"),
            signed_on=date(2026, 2, 1),
            expiry=expiry or Expiry(ExpiryKind.DATE, date(2026, 12, 31)),
        ),
        WORDS,
    )


def test_an_explanation_says_what_decides_the_recipients_duties() -> None:
    text = explained()
    for part in (
        "disclosed to Lee Attorney with the patient's written consent, signed on 2026-02-01",
        "It is a specific consent",
        "Purpose of this disclosure: Housing application.",
        "attendance, on these sensitive subjects only: alcohol and drug use",
        "ends at the end of the day on 2026-12-31",
        "revoke the consent in writing",
    ):
        assert part in text
    assert "single consent for all future" not in text


def test_a_tpo_consent_is_called_a_single_one() -> None:
    text = explained(ConsentKind.TPO, Scope("all", "all"), Expiry(ExpiryKind.NONE))
    assert (
        "single consent for all future uses and disclosures for treatment, payment, and health care" in text
    )
    assert "all kinds of records except counseling session notes" in text
    assert "until the patient revokes it in writing" in text
    assert "It is a specific consent" not in text


def test_what_the_patient_wrote_herself_stays_here() -> None:
    assert "Ann" not in explained()


@pytest.mark.parametrize(
    ("expiry", "words"),
    [
        (Expiry(ExpiryKind.EVENT, event="discharge"), "I am discharged from this program"),
        (Expiry(ExpiryKind.EVENT, event="something_else"), "something_else"),
        (Expiry(ExpiryKind.END_OF_TREATMENT), "when the patient's treatment ends"),
        (Expiry(ExpiryKind.DATE), "Its end is not known"),
        (Expiry(ExpiryKind.EVENT), "Its end is not known"),
    ],
)
def test_every_expiry_has_words(expiry: Expiry, words: str) -> None:
    assert words in explained(expiry=expiry)


def test_the_dates_of_a_scope_are_said() -> None:
    text = explained(scope=Scope("all", ("HIV", "SUD"), date(2026, 1, 1), date(2026, 3, 31)))
    assert "dated 2026-01-01 or later, dated 2026-03-31 or earlier" in text
    assert "HIV, alcohol and drug use" in text
