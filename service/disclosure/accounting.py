"""Which accounting a disclosure enters, and which of its entries a request reaches (42 CFR 2.25, 45 CFR
164.528).

2.25(a): everything disclosed with written consent, three years back. 2.25(b): for treatment, payment and
operations only what went through an electronic health record. 164.528 (covered entities) leaves out
treatment, payment, operations and what an authorization covers, six years back. HHS has put off the date
from which 2.25 is enforced (89 FR 12472); we keep it from the first day because the patient asking later
asks about today.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from service.access.bases import Basis, HipaaAccounting, Part2Accounting
from service.access.purposes import PurposeClass


class Rule(StrEnum):
    """The two accountings a patient can ask for."""

    PART2 = "part2"
    HIPAA = "hipaa"


class Channel(StrEnum):
    """How the records go. Only `ehr` makes a treatment, payment or operations disclosure count under
    2.25(b).
    """

    EHR = "ehr"
    FAX = "fax"
    MAIL = "mail"
    SECURE_EMAIL = "secure_email"
    PHONE = "phone"
    IN_PERSON = "in_person"


YEARS = {Rule.PART2: 3, Rule.HIPAA: 6}


@dataclass(frozen=True, slots=True)
class Entered:
    """The accountings one disclosure belongs to; in neither it is still in the ledger."""

    part2: bool
    hipaa: bool


def accountings(
    basis: Basis | None,
    purpose_class: PurposeClass,
    channel: Channel,
    *,
    authorization: bool,
    covered_entity: bool = True,
) -> Entered:
    """Where a disclosure is listed, by the row of its basis. `authorization`: the consent also meets 45 CFR 164.508;
    `covered_entity`: the program is one, and 164.528 speaks to it.

    A basis without a row is listed in both: an entry too many is explained, one too few is a violation.
    """
    if basis is None:
        return Entered(part2=True, hipaa=True)
    return Entered(
        part2=_under_part2(basis.part2, purpose_class, channel),
        hipaa=covered_entity and _under_hipaa(basis.hipaa, purpose_class, authorization=authorization),
    )


def _under_part2(rule: Part2Accounting, purpose_class: PurposeClass, channel: Channel) -> bool:
    match rule:
        case Part2Accounting.ALWAYS:
            return True
        case Part2Accounting.EHR_ONLY_FOR_TPO:
            return not purpose_class.is_tpo or channel is Channel.EHR
        case Part2Accounting.NEVER:
            return False


def _under_hipaa(rule: HipaaAccounting, purpose_class: PurposeClass, *, authorization: bool) -> bool:
    match rule:
        case HipaaAccounting.ALWAYS:
            return True
        case HipaaAccounting.UNLESS_AUTHORIZATION:
            return not authorization
        case HipaaAccounting.UNLESS_TPO_OR_AUTHORIZATION:
            return not authorization and not purpose_class.is_tpo
        case HipaaAccounting.NEVER:
            return False


def window_start(requested_on: date, rule: Rule) -> date:
    """First day a request reaches back to. From 29 February the day before a missing one: the earlier
    start.
    """
    year = requested_on.year - YEARS[rule]
    try:
        return requested_on.replace(year=year)
    except ValueError:
        return requested_on.replace(year=year, day=28)


def within(disclosed_on: date, requested_on: date, rule: Rule, *, since: date | None = None) -> bool:
    """True when the request reaches this disclosure. `since`: a patient may ask for less, never more."""
    start = window_start(requested_on, rule)
    if since is not None and since > start:
        start = since
    return start <= disclosed_on <= requested_on
