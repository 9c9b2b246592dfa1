"""What a recipient may do with a record next, and the security labels of each item (policies/redisclosure.yaml).

Since 2024 a covered entity that received records with consent for treatment, payment or operations may go on under
HIPAA (42 CFR 2.33(b)(1)); labelling its copy "no redisclosure without consent" would say more than the law does. Who
is not under HIPAA stays bound. One thing is the same for everybody and is therefore no data: a Part 2 item is never
for use in proceedings against the patient (2.12(d)(1)). HL7 has no code for that, so the label is our own.

The label of the law follows from provenance, never from content: a blood pressure from a Part 2 unit is under Part 2,
a family doctor's note about drinking is not (2.11 "records").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from service.access.decision import Confidence
from service.access.program import Regime
from service.access.purposes import PurposeClass
from service.consent.model import ConsentKind
from service.disclosure.situation import Recipient
from service.errors import StartRefused
from service.labels import Label
from service.people.recipient import RecipientRole, RecipientType
from service.record.item import NoteClass, Provenance

Law: TypeAlias = Literal["part2", "hipaa"]
Source: TypeAlias = Literal["seen", "memory"]

#: Stands on every Part 2 item, whatever the file says.
NO_PROCEEDINGS: Final = "NO-USE-IN-PROCEEDINGS"
#: The notice of 2.32 goes with the item, to be read by a person.
NOTICE_CARRIED: Final = "PRIVMARK"
#: The disclosure is listed for the patient (2.25, 45 CFR 164.528).
ACCOUNTED: Final = "AOD"
#: Codes this module gives by itself; the file must describe each.
OWN_CODES: Final = frozenset(
    {NO_PROCEEDINGS, NOTICE_CARRIED, ACCOUNTED, "V", "R", "N", "PSYTHPN", "SUD-COUNSELING-NOTE"}
    | {"42CFRPart2", "HIPAAPsyNotes", "HIPAASelfPay"}
)
_NO_CONSENT: Final = "none"


@dataclass(frozen=True, slots=True)
class SecurityLabel:
    """One code of a FHIR `meta.security`."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Marked:
    """What the labels of one item follow from. `labels` None or empty: nobody said, so it is sensitive.

    `self_pay`: an agreed restriction covers it because it was paid in full by somebody other than the plan (2.26(a)(6)).
    """

    regime: Regime | None
    note_class: NoteClass = NoteClass.ORDINARY
    labels: frozenset[Label] | None = None
    provenance: Provenance = Provenance.OWN
    self_pay: bool = False

    @property
    def under_part2(self) -> bool:
        """True for an item from a Part 2 unit, one that quotes or came from such records, and one whose origin is not
        known: the stricter law, when in doubt.
        """
        return self.regime is not Regime.HIPAA_ONLY or self.provenance is not Provenance.OWN

    @property
    def law(self) -> Law:
        return "part2" if self.under_part2 else "hipaa"


@dataclass(frozen=True, slots=True)
class Ground:
    """On what the records left: the basis by id, the kind of the consent (None without one), the purpose in law, and
    whether the disclosure is listed in an accounting.
    """

    basis: str
    consent: ConsentKind | None
    purpose: PurposeClass
    accounted: bool = False


@dataclass(frozen=True, slots=True)
class MayRedisclose:
    """What this recipient may do next, in words for the recipient, with the paragraph and how sure we are."""

    id: str
    text: str
    citation: str
    conf: Confidence
    source: Source
    handling: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class When:
    """Conditions of one row. None: not asked; a set: one of these."""

    law: Law
    bases: frozenset[str] | None
    consents: frozenset[str] | None
    roles: frozenset[str] | None
    types: frozenset[str] | None
    hipaa: bool | None
    classes: frozenset[PurposeClass] | None

    def holds(self, law: Law, recipient: Recipient, ground: Ground) -> bool:
        return (
            law == self.law
            and (self.bases is None or ground.basis in self.bases)
            and (self.consents is None or (ground.consent or _NO_CONSENT) in self.consents)
            and (self.roles is None or bool(self.roles & recipient.roles))
            and (self.types is None or recipient.type in self.types)
            and (self.hipaa is None or self.hipaa == _under_hipaa(recipient))
            and (self.classes is None or ground.purpose in self.classes)
        )

    @property
    def unconditional(self) -> bool:
        asked = (self.bases, self.consents, self.roles, self.types, self.hipaa, self.classes)
        return all(condition is None for condition in asked)


@dataclass(frozen=True, slots=True)
class RedisclosureRules:
    """The file: codes with their systems, our labels in HL7's words, and the rows in order."""

    codes: Mapping[str, SecurityLabel]
    sensitivity: Mapping[Label, str]
    restricted_by: frozenset[Label]
    always: tuple[str, ...]
    rows: tuple[tuple[When, MayRedisclose], ...]


def may_redisclose(
    recipient: Recipient, ground: Ground, rules: RedisclosureRules, *, law: Law = "part2"
) -> MayRedisclose:
    """What the recipient may do next with items under `law`. For a package with items of both, ask for part2: it is
    the stricter. The text goes into the package (2.32(b): the recipient's powers turn on the consent).
    """
    return next(row for when, row in rules.rows if when.holds(law, recipient, ground))


def labels_for(
    item: Marked, recipient: Recipient, ground: Ground, rules: RedisclosureRules
) -> tuple[SecurityLabel, ...]:
    """The labels of one item for one recipient: how confidential, what it is about, which law, what to do and what not
    to do. In a fixed order, so that the package's hash does not depend on chance.
    """
    codes = [_confidentiality(item, rules), *_about(item, rules), *_policies(item)]
    codes += rules.always
    if item.under_part2:
        codes.append(NO_PROCEEDINGS)
        if ground.consent is not None:
            codes.append(NOTICE_CARRIED)
    if ground.accounted:
        codes.append(ACCOUNTED)
    codes += may_redisclose(recipient, ground, rules, law=item.law).handling
    return tuple(rules.codes[code] for code in dict.fromkeys(codes))


def _under_hipaa(recipient: Recipient) -> bool:
    return recipient.covered_entity or recipient.business_associate


def _confidentiality(item: Marked, rules: RedisclosureRules) -> str:
    """V for session notes kept apart (our choice), R for Part 2 and everything sensitive or unlabelled, else N."""
    if item.note_class is not NoteClass.ORDINARY:
        return "V"
    if item.under_part2 or not item.labels or item.labels & rules.restricted_by:
        return "R"
    return "N"


def _about(item: Marked, rules: RedisclosureRules) -> list[str]:
    codes = sorted(rules.sensitivity[label] for label in item.labels or ())
    match item.note_class:
        case NoteClass.ORDINARY:
            return codes
        case NoteClass.PSYCHOTHERAPY_NOTE:
            return [*codes, "PSYTHPN"]
        case NoteClass.SUD_COUNSELING_NOTE:  # HL7 has no code of its own for these
            return [*codes, "PSYTHPN", "SUD-COUNSELING-NOTE"]


def _policies(item: Marked) -> list[str]:
    codes = ["42CFRPart2"] if item.under_part2 else []
    if item.note_class is NoteClass.PSYCHOTHERAPY_NOTE:
        codes.append("HIPAAPsyNotes")
    if item.self_pay:
        codes.append("HIPAASelfPay")
    return codes


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Code(_Strict):
    system: str
    display: str


class _When(_Strict):
    law: Law
    bases: frozenset[str] | None = None
    consents: frozenset[ConsentKind | Literal["none"]] | None = None
    roles: frozenset[RecipientRole] | None = None
    types: frozenset[RecipientType] | None = None
    hipaa: bool | None = None
    classes: frozenset[PurposeClass] | None = None


class _Row(_Strict):
    id: str
    when: _When
    may: str
    handling: tuple[str, ...]
    citation: str
    conf: Confidence
    source: Source


class _File(_Strict):
    systems: dict[str, str]
    codes: dict[str, _Code]
    sensitivity: dict[Label, str]
    restricted_by: frozenset[Label]
    always: tuple[str, ...]
    recipients: tuple[_Row, ...]


def read_redisclosure(document: str) -> RedisclosureRules:
    """The rules from the text of redisclosure.yaml. A code that is not described, a label without a code, a row that can
    never speak or a law without a last word: StartRefused.
    """
    try:
        file = _File.model_validate(yaml.safe_load(document))
        codes = {
            code: SecurityLabel(file.systems[row.system], code, row.display)
            for code, row in file.codes.items()
        }
    except yaml.YAMLError:
        raise StartRefused("policies/redisclosure.yaml is not valid YAML") from None
    except (ValidationError, KeyError) as error:
        raise StartRefused(f"policies/redisclosure.yaml: {error}") from None
    used = OWN_CODES.union(file.always, file.sensitivity.values(), *(row.handling for row in file.recipients))
    if unknown := used - codes.keys():
        raise StartRefused(f"policies/redisclosure.yaml: no such code: {', '.join(sorted(unknown))}")
    if missing := set(Label) - file.sensitivity.keys():
        raise StartRefused(f"policies/redisclosure.yaml: sensitivity lacks {', '.join(sorted(missing))}")
    rows = tuple((_when(row.when), _may(row)) for row in file.recipients)
    _check_order(rows)
    return RedisclosureRules(
        MappingProxyType(codes), MappingProxyType(file.sensitivity), file.restricted_by, file.always, rows
    )


def _when(row: _When) -> When:
    consents = None if row.consents is None else frozenset(map(str, row.consents))
    roles = None if row.roles is None else frozenset(role.value for role in row.roles)
    types = None if row.types is None else frozenset(kind.value for kind in row.types)
    return When(row.law, row.bases, consents, roles, types, row.hipaa, row.classes)


def _may(row: _Row) -> MayRedisclose:
    if not all(text.strip() for text in (row.id, row.may, row.citation)):
        raise StartRefused("policies/redisclosure.yaml: a row without id, words or citation")
    return MayRedisclose(row.id, row.may.strip(), row.citation, row.conf, row.source, row.handling)


def _check_order(rows: Sequence[tuple[When, MayRedisclose]]) -> None:
    """Each law's last row, and only it, is without conditions; every id is used once."""
    ids = [row.id for _, row in rows]
    if len(ids) != len(set(ids)):
        raise StartRefused("policies/redisclosure.yaml: an id is used twice")
    for law in ("part2", "hipaa"):
        open_ended = [when.unconditional for when, _ in rows if when.law == law]
        if not open_ended or not open_ended[-1] or any(open_ended[:-1]):
            raise StartRefused(f"policies/redisclosure.yaml: exactly the last row of {law} has no conditions")
