"""What each fact of a policy means, in words: for the documents a lawyer reads beside the policies.

`YES_NO` are facts that hold or not, said both ways; `NAMED` are those with a value. A fact without words fails
`consentry policies check`, so that no document shows a condition nobody can read.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: fact -> (it holds, it does not hold)
YES_NO: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        # who calls
        "caller.staff": ("the caller is staff", "the caller is not staff"),
        "caller.outside": ("the caller is an outside requester", "the caller is not an outside requester"),
        "caller.intake": ("the caller has the role intake", "the caller does not have the role intake"),
        "caller.clinician": ("the caller is a clinician", "the caller is not a clinician"),
        "caller.compliance": ("the caller is a compliance officer", "the caller is not a compliance officer"),
        "caller.administrator": ("the caller is an administrator", "the caller is not an administrator"),
        "caller.director": ("the caller is the program director", "the caller is not the program director"),
        "caller.patient": ("the caller is a patient", "the caller is not a patient"),
        "caller.requester": ("the caller is a requester", "the caller is not a requester"),
        "caller.system": ("the caller is the service itself", "the caller is not the service itself"),
        "caller.roles_fit_kind": (
            "the caller's roles are ones an account of its kind can hold",
            "the caller holds a role its kind of account cannot hold, or none",
        ),
        "caller.credential_in_force": (
            "a credential of the caller that stands for clinical acts is in force",
            "no credential of the caller that stands for clinical acts is in force",
        ),
        "caller.credential_lapsed": (
            "credentials of the caller were recorded, and none that stands for clinical acts is in force",
            "a credential that stands for clinical acts is in force, or none was ever recorded",
        ),
        "caller.credential_required": (
            "the program asks for a credential in force",
            "the program does not ask for a credential in force",
        ),
        "caller.credential_supervised": (
            "what is in force for the caller stands for clinical acts under supervision alone",
            "a credential of the caller stands for clinical acts without supervision, or none does at all",
        ),
        "purpose.stated": ("a purpose of use is stated", "no purpose of use is stated"),
        "purpose.allowed": (
            "the caller may state this purpose",
            "the caller may not state this purpose",
        ),
        "purpose.proceedings": (
            "the stated purpose is a proceeding against the patient",
            "the stated purpose is no proceeding against the patient",
        ),
        # ordinary acts and use inside the program
        "patient_is_caller": ("it is the caller's own", "it is not the caller's own"),
        "relationship": (
            "a relationship between caller and patient is recorded and in force",
            "no relationship between caller and patient is recorded and in force",
        ),
        "unit_assigned": (
            "the caller works in the unit the item came from",
            "the caller does not work in the unit the item came from",
        ),
        "author_is_caller": ("the caller wrote it", "the caller did not write it"),
        "recipient_is_caller": (
            "it was disclosed to the recipient the caller acts for",
            "it was not disclosed to the recipient the caller acts for",
        ),
        "emergency_grant": (
            "the caller holds an emergency grant in force for this patient",
            "the caller holds no emergency grant in force for this patient",
        ),
        "internal": ("it stays inside the program", "it leaves the program"),
        "need_to_know": (
            "the caller needs it for duties toward this patient",
            "the caller does not need it for duties toward this patient",
        ),
        "labels_known": (
            "how sensitive the item is, is known",
            "how sensitive the item is could not be read",
        ),
        "kind_within_ceiling": (
            "the purpose can need this kind of item",
            "the purpose cannot need this kind of item",
        ),
        # the request
        "proceedings_against_patient": (
            "it is for use in a proceeding against the patient",
            "it is not for use in a proceeding against the patient",
        ),
        "recipient_known": (
            "the recipient is in the register",
            "the recipient is not in the register",
        ),
        "recipient_is_program_ce_ba": (
            "the recipient is a Part 2 program, a covered entity or a business associate",
            "the recipient is no Part 2 program, covered entity or business associate",
        ),
        "recipient_covered_entity": (
            "the recipient is a covered entity",
            "the recipient is no covered entity",
        ),
        "recipient_business_associate": (
            "the recipient is a business associate",
            "the recipient is no business associate",
        ),
        "recipient_treats": (
            "the recipient has a treating provider relationship with the patient",
            "the recipient has no treating provider relationship with the patient",
        ),
        "recipient_is_patient": (
            "the recipient is the patient, or the patient's personal representative",
            "the recipient is neither the patient nor the patient's personal representative",
        ),
        "via_intermediary": (
            "the recipient is reached through an intermediary",
            "the recipient is not reached through an intermediary",
        ),
        "restricted": (
            "a restriction the program agreed to covers it",
            "no restriction the program agreed to covers it",
        ),
        "patient_minor": ("the patient is a minor", "the patient is of age or emancipated"),
        "confidential_communication": (
            "it is a confidential communication of the patient to the program (2.63)",
            "it is no confidential communication of the patient to the program (2.63)",
        ),
        "presence_reveals": (
            "the unit is publicly known to treat substance use disorders only",
            "the unit is not publicly known to treat substance use disorders only",
        ),
        # the consent
        "consent_present": ("there is a consent", "there is no consent"),
        "consent_state_active": ("the consent is active", "the consent is not active"),
        "consent_complete": (
            "the consent has every element the law requires",
            "the consent lacks an element the law requires",
        ),
        "consent_text_intact": (
            "the stored text is the text that was signed",
            "the stored text is not the text that was signed",
        ),
        "consent_signed": ("the consent is signed", "the consent is not signed"),
        "consent_date_ok": (
            "the signature is dated, and not in the future",
            "the signature has no date, or one in the future",
        ),
        "consent_effective": ("the consent is in force by now", "the consent is not in force yet"),
        "consent_expired": ("the consent has ended", "the consent has not ended"),
        "consent_expiry_unknown": (
            "the consent ends with an event of which nobody can say whether it has happened",
            "whether the consent has ended can be said",
        ),
        "consent_false": (
            "the consent is known to be materially false",
            "the consent is not known to be false",
        ),
        "consent_doubted": (
            "a doubt about the truth of the consent is not settled",
            "no doubt about the truth of the consent is open",
        ),
        "consent_revoked": (
            "the patient has revoked the consent, as a whole or for this recipient",
            "the patient has not revoked the consent",
        ),
        "discloser_covered": (
            "the consent names the unit as one that may share",
            "the consent does not name the unit as one that may share",
        ),
        "recipient_named": (
            "the consent names this recipient",
            "the consent does not name this recipient",
        ),
        "recipient_in_class": (
            "the consent names a class to which a recorded relationship puts the recipient",
            "the recipient is in no class the consent names",
        ),
        "intermediary_named": (
            "the consent names the intermediary",
            "the consent does not name the intermediary",
        ),
        "participant_named": (
            "the consent names this member participant",
            "the consent does not name this member participant",
        ),
        "participant_designated": (
            "the consent designates the participants who treat the patient",
            "the consent does not designate the participants who treat the patient",
        ),
        "purpose_matches": (
            "the purpose is one the consent names",
            "the purpose is none the consent names",
        ),
        "kind_in_scope": (
            "the consent covers this kind of item",
            "the consent does not cover this kind of item",
        ),
        "label_in_scope": (
            "the consent covers what the item is about",
            "the consent does not cover what the item is about",
        ),
        "date_in_scope": (
            "the consent covers the date of the item",
            "the consent does not cover the date of the item",
        ),
        "scope_combines_notes": (
            "the consent mixes session notes with other records",
            "the consent does not mix session notes with other records",
        ),
        "purpose_combines_legal": (
            "the consent mixes a legal proceeding with another purpose",
            "the consent does not mix a legal proceeding with another purpose",
        ),
        # the evidence
        "evidence_present": ("there is evidence", "there is no evidence"),
        "evidence_complete": (
            "the evidence has every particular its kind asks for",
            "the evidence lacks a particular its kind asks for",
        ),
        "evidence_signed_off": (
            "somebody who may has signed the evidence off",
            "nobody who may has signed the evidence off",
        ),
        "evidence_in_force": ("the evidence is in force today", "the evidence is not in force today"),
        "evidence_names_recipient": (
            "the evidence names this recipient",
            "the evidence does not name this recipient",
        ),
        "evidence_covers_item": (
            "the evidence covers this item",
            "the evidence does not cover this item",
        ),
    }
)

#: fact -> what has the value
NAMED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "caller.assurance": "the way of signing in",
        "purpose.code": "the stated purpose",
        "purpose.legal_class": "the legal class of the stated purpose",
        "purpose_class": "the legal class of the purpose",
        "purpose_code": "the purpose",
        "recipient_roles": "the recipient's role in the register",
        "patient_life": "the patient",
        "kind": "the kind of item",
        "note_class": "the class of note",
        "regime": "the law the item is under",
        "state": "the state",
        "consent_kind": "the kind of consent",
        "consent_signer": "the signer of the consent",
        "evidence_kind": "the kind of evidence",
        "evidence_says": "what the evidence establishes (see evidence.md)",
    }
)

#: value -> words, where the value alone says too little
VALUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "part2": "42 CFR Part 2",
        "hipaa_only": "HIPAA alone",
        "tpo": "one for all treatment, payment and operations",
        "pdmp": "prescription drug monitoring program",
        "qso": "qualified service organization",
        "fda": "FDA",
        "hhs_secretary": "Secretary of Health and Human Services",
        "sud_counseling_note": "SUD counseling note",
        "qsoa": "qualified service organization agreement",
    }
)
