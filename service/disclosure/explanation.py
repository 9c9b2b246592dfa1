"""The clear explanation of a consent's scope that goes with the records instead of a copy of it (42 CFR
2.32(b)).

A copy of the consent would tell this recipient who else receives records and what the patient wrote in her
own words. The explanation names only the recipient it goes to, and says what decides the recipient's own
duties: whether the consent is a single one for all future treatment, payment and operations (2.33(b)).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.consent.model import ConsentKind, Expiry, ExpiryKind, Scope


@dataclass(frozen=True, slots=True)
class Words:
    """The words for codes, of the text version the patient signed."""

    kinds: Mapping[str, str]
    labels: Mapping[str, str]
    events: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explainable:
    """What an explanation may draw on: nothing about other recipients, and nothing the patient wrote
    herself.
    """

    kind: ConsentKind
    recipient: str
    purpose: str
    scope: Scope
    signed_on: date
    expiry: Expiry | None


_SPECIFIC: Final = (
    "It is a specific consent: it covers what is said here and nothing else (42 CFR 2.33(a)(1))."
)
#: Which instrument it is, where the recipient's own duties turn on it.
_WHAT_IT_IS: Final[Mapping[ConsentKind, str]] = {
    ConsentKind.TPO: (
        "It is a single consent for all future uses and disclosures for treatment, payment, and health "
        "care operations (42 CFR 2.31(a)(5)(ii), 2.33(a)(2))."
    ),
    ConsentKind.INTERMEDIARY: (
        "It is a consent to share through an intermediary, and covers only those whom it lets the intermediary "
        "reach (42 CFR 2.31(a)(4)(ii))."
    ),
    ConsentKind.LEGAL_PROCEEDINGS: (
        "It is a separate consent for one proceeding and for no other purpose (42 CFR 2.31(d))."
    ),
    ConsentKind.CRIMINAL_JUSTICE: (
        "It is a consent for monitoring a condition of the criminal justice system, and what is received may be "
        "used for that duty only (42 CFR 2.35)."
    ),
    ConsentKind.REGISTRY: (
        "It is a consent for preventing enrollment in several programs at once, and for nothing else (42 CFR 2.34)."
    ),
    ConsentKind.PDMP: "It is a consent to report to a prescription drug monitoring program (42 CFR 2.36).",
    ConsentKind.PAYER: "It is a consent for payment and for nothing else (42 CFR 2.33(b)(3)).",
}
#: The consents that reach one kind of note whatever their scope says.
_NOTES_ONLY: Final[Mapping[ConsentKind, str]] = {
    ConsentKind.COUNSELING_NOTES: (
        "The consent covers SUD counseling notes and no other records (42 CFR 2.31(b))."
    ),
    ConsentKind.PSYCHOTHERAPY_NOTES: (
        "The consent covers psychotherapy notes and no other records (45 CFR 164.508(a)(2))."
    ),
}
_REVOCABLE: Final = (
    "The patient may revoke the consent in writing at any time, except to the extent that it has been "
    "relied on."
)
_REVOCABLE_LATER: Final = (
    "The patient may revoke the consent only from the time it states, at the latest at the final disposition "
    "(42 CFR 2.35(c))."
)


def scope_explanation(consent: Explainable, words: Words) -> str:
    """The explanation, one sentence a line."""
    return "\n".join(_sentences(consent, words))


def _sentences(consent: Explainable, words: Words) -> Iterator[str]:
    yield (
        f"These records are disclosed to {consent.recipient} with the patient's written consent, "
        f"signed on {consent.signed_on.isoformat()}."
    )
    yield _WHAT_IT_IS.get(consent.kind, _SPECIFIC)
    yield f"Purpose of this disclosure: {consent.purpose}."
    yield _NOTES_ONLY.get(consent.kind) or _coverage(consent.scope, words)
    yield _end(consent.expiry, words)
    yield _REVOCABLE_LATER if consent.kind is ConsentKind.CRIMINAL_JUSTICE else _REVOCABLE


def _coverage(scope: Scope, words: Words) -> str:
    if scope.kinds == "all":
        kinds = "all kinds of records except counseling session notes and psychotherapy notes"
    else:
        kinds = _listed(scope.kinds, words.kinds)
    if scope.labels == "all":
        labels = "including records on every sensitive subject"
    else:
        labels = f"on these sensitive subjects only: {_listed(scope.labels, words.labels)}"
    dates = ""
    if scope.first_day is not None:
        dates += f", dated {scope.first_day.isoformat()} or later"
    if scope.last_day is not None:
        dates += f", dated {scope.last_day.isoformat()} or earlier"
    return f"The consent covers {kinds}, {labels}{dates}."


def _end(expiry: Expiry | None, words: Words) -> str:
    match expiry:
        case Expiry(kind=ExpiryKind.DATE, on=date() as day):
            return f"It ends at the end of the day on {day.isoformat()}."
        case Expiry(kind=ExpiryKind.EVENT, event=str() as event):
            return f"It ends with this event, as the patient put it: {words.events.get(event, event)}."
        case Expiry(kind=ExpiryKind.END_OF_TREATMENT):
            return "It ends when the patient's treatment ends."
        case Expiry(kind=ExpiryKind.NONE):
            return "It has no end date and lasts until the patient revokes it in writing."
        case _:
            return "Its end is not known; ask before relying on it."


def _listed(codes: tuple[str, ...], words: Mapping[str, str]) -> str:
    return ", ".join(sorted(words.get(code, code) for code in set(codes)))
