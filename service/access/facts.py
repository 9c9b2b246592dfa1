"""Facts given to the policies. These dataclasses are the source; the context types of the Cedar schema are
generated from them (`consentry policies generate`) and compared in `consentry policies check`.

Only bool, str and frozenset[str]: a policy compares, it never computes. Every default is the unfavourable
one, so a fact nobody established cannot open anything. No fact holds anything a patient said.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Facts:
    """What a loader knows about the thing an ordinary act touches."""

    #: The thing belongs to the patient who is calling.
    patient_is_caller: bool = False
    #: A relationship between this caller and the patient is recorded and in force today.
    relationship: bool = False
    #: The caller works in the unit the thing came from.
    unit_assigned: bool = False
    #: The caller wrote it.
    author_is_caller: bool = False
    #: It was disclosed to the recipient this caller acts for.
    recipient_is_caller: bool = False
    #: Kind of a record item, or "".
    kind: str = ""
    #: ordinary | sud_counseling_note | psychotherapy_note, or "".
    note_class: str = ""
    #: State of a consent or an assessment, or "".
    state: str = ""
    #: This caller holds an emergency grant for this patient, in force now (break-glass, reviewed afterwards).
    emergency_grant: bool = False
    #: Program the thing belongs to; None when it is made by this act. Becomes the resource, not a context
    #: attribute.
    program: UUID | None = None
    #: The chart that this one was merged into: it takes nothing new (work.py). No context attribute either.
    surviving: UUID | None = None
    #: The patient, where the record was destroyed: whoever may know of it is told so (work.py).
    destroyed: UUID | None = None


#: Facts that are no attributes of a context: they hold ids.
NO_CONTEXT: Final = frozenset({"program", "surviving", "destroyed"})


@dataclass(frozen=True, slots=True)
class UseFacts:
    """One record item and the member of staff who would read it: internal use, 42 CFR 2.12(c)(3)."""

    #: Stays inside the program (personnel, or an entity with direct administrative control).
    internal: bool = False
    relationship: bool = False
    #: The caller works in the unit the item came from.
    unit_assigned: bool = False
    #: A duty toward this patient arising from diagnosis, treatment or referral: a recorded relationship, or
    #: intake.
    need_to_know: bool = False
    author_is_caller: bool = False
    kind: str = ""
    note_class: str = ""
    #: part2 | hipaa_only.
    regime: str = ""
    #: True when the item's labels could be read; an item without labels counts as sensitive, not as unknown.
    labels_known: bool = False
    #: Legal class of the stated purpose (policies/purposes.yaml).
    purpose_class: str = ""
    #: The kind is one the purpose can need (gate G6).
    kind_within_ceiling: bool = False
    #: The caller holds an emergency grant for this patient, in force now.
    emergency_grant: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """One record item, one recipient, one ground (a consent, a piece of evidence, both or neither): may the
    item leave the program?

    Match facts are computed by `consent/match.py` and `evidence/establish.py` from ids and dates; the
    policies alone say what follows from them.
    """

    # the request
    purpose_class: str = ""
    purpose_code: str = ""
    #: Use in a civil, criminal, administrative or legislative proceeding against the patient (gate G3).
    proceedings_against_patient: bool = False
    recipient_known: bool = False
    #: Program, covered entity or business associate: who may receive under one consent for all TPO
    #: (2.33(a)(2)).
    recipient_is_program_ce_ba: bool = False
    #: Under HIPAA itself: who receives for operations (45 CFR 164.506(c)(4)), which a program need not be.
    recipient_covered_entity: bool = False
    recipient_business_associate: bool = False
    #: What the recipient is, as the register has it: values of people/recipient.py RecipientRole.
    recipient_roles: frozenset[str] = frozenset()
    #: A treating provider relationship between patient and recipient is recorded and in force (2.11).
    recipient_treats: bool = False
    #: The recipient is the patient, or the patient's personal representative.
    recipient_is_patient: bool = False
    #: The recipient is reached through an intermediary (2.31(a)(4)(ii)).
    via_intermediary: bool = False
    #: The kind is one the purpose can need (gate G6).
    kind_within_ceiling: bool = False
    #: An agreed restriction in force covers this item, purpose and recipient (gate G5, 2.26); unknown counts
    #: as yes.
    restricted: bool = True
    # the patient
    #: living | deceased, or "".
    patient_life: str = ""
    #: Known to be under the age of majority of the program's state and not emancipated: only bases for minors ask.
    patient_minor: bool = False
    # the item
    kind: str = ""
    note_class: str = ""
    regime: str = ""
    labels_known: bool = False
    #: What the patient told the program (2.63); unknown counts as yes.
    confidential_communication: bool = True
    #: The unit is publicly known as one for substance use disorders only: presence there tells everything
    #: (2.13(c)(1)); unknown counts as yes.
    presence_reveals: bool = True
    # the consent
    consent_present: bool = False
    #: A value of consent/model.py ConsentKind, or "".
    consent_kind: str = ""
    #: Who signed: patient | patient_and_parent | personal_representative | program_director, or "".
    consent_signer: str = ""
    #: State is active, read under a lock that is held until commit.
    consent_state_active: bool = False
    #: No element of 2.31(a) is missing.
    consent_complete: bool = False
    #: The hash of the text signed is the hash of the text kept.
    consent_text_intact: bool = False
    consent_signed: bool = False
    #: Dated, and not in the future.
    consent_date_ok: bool = False
    #: In force from its date on.
    consent_effective: bool = False
    #: Date passed or event happened.
    consent_expired: bool = True
    #: It ends with an event of which nobody can say whether it has happened.
    consent_expiry_unknown: bool = True
    #: Known to be materially false (2.31(c)(4)); unknown counts as false.
    consent_false: bool = True
    #: Somebody has recorded a doubt about its truth that is not settled.
    consent_doubted: bool = True
    #: Revoked as a whole, or for this recipient; unknown counts as revoked.
    consent_revoked: bool = True
    discloser_covered: bool = False
    recipient_named: bool = False
    #: Named as a class, and a recorded relationship puts the recipient in it.
    recipient_in_class: bool = False
    #: The intermediary on the way is named in the consent (E06).
    intermediary_named: bool = False
    #: The recipient is a member participant named in the consent (2.31(a)(4)(ii)(A)).
    participant_named: bool = False
    #: The consent has a general designation limited to treating providers (2.31(a)(4)(ii)(B)).
    participant_designated: bool = False
    purpose_matches: bool = False
    kind_in_scope: bool = False
    label_in_scope: bool = False
    date_in_scope: bool = False
    #: Mixes SUD counseling notes, or legal proceedings, with anything else (2.31(b)(2), (d)).
    scope_combines_notes: bool = True
    purpose_combines_legal: bool = True
    # the evidence (policies/evidence.yaml): what a basis without consent, or beside it, rests on
    evidence_present: bool = False
    #: A value of evidence/model.py EvidenceKind, or "".
    evidence_kind: str = ""
    #: No particular that its kind requires is missing.
    evidence_complete: bool = False
    #: Signed off by somebody who may sign off this kind (a director's finding: by the program director).
    evidence_signed_off: bool = False
    #: Begun and not ended today.
    evidence_in_force: bool = False
    evidence_names_recipient: bool = False
    #: The item is one of those, or of the kinds, the evidence speaks of.
    evidence_covers_item: bool = False
    #: What it establishes: words of policies/evidence.yaml, never anything a patient said.
    evidence_says: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CallerFacts:
    """What the policies see of a caller. One attribute per role: a misspelt one does not validate."""

    staff: bool = False
    outside: bool = False
    intake: bool = False
    clinician: bool = False
    compliance: bool = False
    administrator: bool = False
    director: bool = False
    patient: bool = False
    requester: bool = False
    system: bool = False
    #: Every role is one an account of this kind can hold.
    roles_fit_kind: bool = False
    #: A licence or certificate that stands for clinical acts is in force today.
    credential_in_force: bool = False
    #: Some were recorded for this caller, and none of those is in force today.
    credential_lapsed: bool = True
    #: The program asks for one in force, not merely for none that has run out.
    credential_required: bool = True
    #: What is in force stands for clinical acts under supervision alone.
    credential_supervised: bool = True
    #: password | otp | passkey ...: how sure we are who this is.
    assurance: str = ""


@dataclass(frozen=True, slots=True)
class PurposeFacts:
    """The purpose of use stated for the call."""

    stated: bool = False
    code: str = ""
    legal_class: str = ""
    #: policies/purposes.yaml lets one of the caller's roles state it.
    allowed: bool = False
    proceedings: bool = False
