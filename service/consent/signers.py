"""Who has to sign a consent, and what is wrong with those who did (42 CFR 2.31(a)(8), 2.14, 2.15).

S1 deceased, S2 adjudicated, S3 the director for payment, S4-S5 minors by state law, S7-S8 the patient; the first that
fits decides. Whoever signs for somebody else does so by an authority that is on record: a relationship of that kind,
in force, with a person of that name, and a text saying what it rests on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.consent.model import ConsentKind, ConsentTerms, Signature, SignerRole
from service.people.at_law import PatientAtLaw
from service.people.recipient import RelationshipKind
from service.people.state_rules import StateRule, may_sign_alone
from service.vault.blindindex import normalise_name

_PARENTS: Final = frozenset({SignerRole.PARENT, SignerRole.GUARDIAN})
_REPRESENTATIVES: Final = frozenset({SignerRole.PERSONAL_REPRESENTATIVE, SignerRole.GUARDIAN})

#: The relationship that shows a signer's authority.
_SHOWN_BY: Final = {
    SignerRole.PARENT: RelationshipKind.PARENT,
    SignerRole.GUARDIAN: RelationshipKind.GUARDIAN,
    SignerRole.PERSONAL_REPRESENTATIVE: RelationshipKind.PERSONAL_REPRESENTATIVE,
}


@dataclass(frozen=True, slots=True)
class Authority:
    """What shows who may sign for the patient today.

    `related`: kind of relationship and normalised name, of those in force. `rule`: the law of the program's state on
    the day of signing, None when it is not known. `director`: the caller is the program director.
    """

    patient: PatientAtLaw
    rule: StateRule | None
    related: frozenset[tuple[str, str]] = frozenset()
    director: bool = False


def normal(name: str) -> str:
    """A name as it is compared here: the spelling of the register and that beside a signature are two people's."""
    return normalise_name(name)


def signer_faults(
    terms: ConsentTerms, signatures: Iterable[Signature], by: Authority, *, payment_only: bool
) -> frozenset[str]:
    """Codes of what is wrong with the signatures there are; empty when exactly the right people signed.

    `payment_only`: every purpose of the consent is payment. A missing second signature is C-SIGNER-COSIGN, which
    alone means: right so far, one more to come.
    """
    signed = tuple(signatures)
    if not signed:
        return frozenset()
    patient, roles = by.patient, {s.role for s in signed}
    if patient.deceased_on is not None:
        # a guardian's authority ends with the life it was for
        return _only(frozenset({SignerRole.PERSONAL_REPRESENTATIVE}), signed, by, "C-SIGNER-DECEASED")
    if patient.minor is None:
        return frozenset({"C-SIGNER-MINOR"})
    if patient.minor:
        return _for_minor(signed, by)
    if patient.adjudicated:
        return _only(_REPRESENTATIVES, signed, by, "C-SIGNER-CAPACITY")
    if SignerRole.PROGRAM_DIRECTOR in roles:
        return _by_director(terms, signed, by, payment_only=payment_only)
    return frozenset() if roles == {SignerRole.PATIENT} else frozenset({"C-SIGNER"})


def _only(
    allowed: frozenset[SignerRole], signed: tuple[Signature, ...], by: Authority, code: str
) -> frozenset[str]:
    fits = all(s.role in allowed and _has_authority(s, by) for s in signed)
    return frozenset() if fits else frozenset({code})


def _for_minor(signed: tuple[Signature, ...], by: Authority) -> frozenset[str]:
    roles = {s.role for s in signed}
    if roles - {SignerRole.PATIENT, *_PARENTS}:
        return frozenset({"C-SIGNER"})
    if may_sign_alone(by.rule, by.patient.age or 0):
        return frozenset() if roles == {SignerRole.PATIENT} else frozenset({"C-SIGNER-MINOR"})
    parents = [s for s in signed if s.role in _PARENTS]
    if not all(_has_authority(s, by) for s in parents):
        return frozenset({"C-SIGNER"})
    both = bool(parents) and SignerRole.PATIENT in roles
    return frozenset() if both else frozenset({"C-SIGNER-COSIGN"})


def _by_director(
    terms: ConsentTerms, signed: tuple[Signature, ...], by: Authority, *, payment_only: bool
) -> frozenset[str]:
    """2.15(a)(2): a condition keeps the patient from acting knowingly; the authority text is that finding."""
    if terms.kind is not ConsentKind.PAYER or not payment_only:
        return frozenset({"C-SIGNER-DIRECTOR-PAYMENT-ONLY"})
    alone = all(s.role == SignerRole.PROGRAM_DIRECTOR and (s.authority or "").strip() for s in signed)
    return frozenset() if alone and by.director else frozenset({"C-SIGNER"})


def _has_authority(signature: Signature, by: Authority) -> bool:
    shown = _SHOWN_BY.get(SignerRole(signature.role)) if signature.role in set(SignerRole) else None
    return (
        shown is not None
        and bool((signature.authority or "").strip())
        and (shown.value, normal(signature.name)) in by.related
    )


def required_signers(by: Authority) -> tuple[str, ...]:
    """Who has to sign, for whoever prepares the paper: each entry a role, or roles of which one signs."""
    patient = by.patient
    if patient.deceased_on is not None or (patient.adjudicated and not patient.minor):
        return ("personal_representative",)
    if patient.minor and not may_sign_alone(by.rule, patient.age or 0):
        return ("patient", "parent_or_guardian")
    return ("patient",)
