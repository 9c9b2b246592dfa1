"""What each act is called in a sentence. One row for every action; a test fails when one is missing.

The words say what was done, never to whom by name and never what was read.
"""

from collections.abc import Mapping
from typing import Final

from service.access.actions import Action
from service.access.decision import Obligation

#: "<somebody> <words>."
DONE: Final[Mapping[Action, str]] = {
    Action.PATIENT_REGISTER: "registered a patient",
    Action.PATIENT_SEARCH: "searched for a patient",
    Action.PATIENT_READ: "read a patient's registration",
    Action.PATIENT_UPDATE: "changed a patient's registration",
    Action.RELATIONSHIP_RECORD: "recorded a relationship with a patient",
    Action.EVENT_RECORD: "recorded an event of a patient",
    Action.RECIPIENT_REGISTER: "registered a recipient",
    Action.RECIPIENT_LIST: "looked at the register of recipients",
    Action.INSTRUMENT_READ: "read an instrument",
    Action.PACK_ATTEST: "attested or withdrew the licence for an instrument",
    Action.PACK_READ: "looked at the licences for instruments",
    Action.ASSESSMENT_SAVE: "saved a draft of an assessment",
    Action.ASSESSMENT_COMPLETE: "completed an assessment",
    Action.ASSESSMENT_AMEND: "amended a completed assessment",
    Action.ASSESSMENT_READ: "read an assessment",
    Action.ASSESSMENT_LIST: "listed a patient's assessments",
    Action.FLAG_RAISE: "raised a safety flag",
    Action.FLAG_ACKNOWLEDGE: "acknowledged a safety flag",
    Action.FLAG_ASSIGN: "gave a safety flag to somebody",
    Action.FLAG_ESCALATE: "handed on a safety flag whose clock had run out",
    Action.MESSAGE_SEND: "sent a patient a message",
    Action.MESSAGE_READ: "looked at messages to a patient",
    Action.MESSAGE_SETTLE: "noted what became of a message",
    Action.LINK_MAKE: "sent a patient a link to their packet",
    Action.LINK_END: "ended a packet link",
    Action.LINK_OPEN: "opened a packet link",
    Action.LINK_REFUSED: "tried to open a packet link",
    Action.CREDENTIAL_MANAGE: "managed a credential",
    Action.ITEM_WRITE: "wrote a record item",
    Action.ITEM_READ: "read a record item",
    Action.RECORD_READ: "read a patient's record",
    Action.RECORD_USE: "used a record item inside the program",
    Action.CONSENT_DRAFT: "drafted a consent",
    Action.CONSENT_READ: "read a consent",
    Action.CONSENT_LIST: "listed a patient's consents",
    Action.CONSENT_PREVIEW: "previewed what a consent would share",
    Action.CONSENT_SIGN: "signed a consent",
    Action.CONSENT_REVOKE: "revoked a consent",
    Action.CONSENT_SUPERSEDE: "replaced a consent",
    Action.CONSENT_MARK_ERROR: "marked a consent as entered in error",
    Action.CONSENT_EXPIRE: "let a consent expire",
    Action.CONSENT_TEXT_READ: "read the words of consents",
    Action.CONSENT_TEXT_ADOPT: "adopted a version of the words of consents",
    Action.CONSENT_TEXT_RECOLLECT: "listed consents to be signed again",
    Action.DISCLOSURE_PREVIEW: "previewed a disclosure",
    Action.DISCLOSURE_MAKE: "disclosed records",
    Action.DISCLOSURE_READ: "read a disclosure",
    Action.DISCLOSURE_LIST: "listed a patient's disclosures",
    Action.DISCLOSURE_RELEASE: "released a record item",
    Action.PACKAGE_FETCH: "fetched the package of a disclosure",
    Action.RECORDS_REQUEST: "requested records from outside",
    Action.EMERGENCY_OPEN: "broke the glass for a patient in an emergency",
    Action.EMERGENCY_END: "ended an emergency access",
    Action.ATTACHMENT_ADD: "attached a document",
    Action.ATTACHMENT_READ: "read an attached document",
    Action.ATTACHMENT_LIST: "listed a patient's attached documents",
    Action.CONSENT_RULE: "ruled on a consent",
    Action.RESTRICTION_REQUEST: "requested a restriction",
    Action.RESTRICTION_ANSWER: "answered a request for a restriction",
    Action.RESTRICTION_END: "ended a restriction",
    Action.RESTRICTION_LIST: "listed a patient's restrictions",
    Action.EVIDENCE_RECORD: "recorded evidence for a disclosure",
    Action.EVIDENCE_SIGN_OFF: "signed off evidence for a disclosure",
    Action.EVIDENCE_FIND: "looked for evidence for a disclosure",
    Action.EVIDENCE_END: "ended evidence for a disclosure",
    Action.EVIDENCE_READ: "read evidence for a disclosure",
    Action.EVIDENCE_LIST: "listed the evidence about a patient",
    Action.AGREEMENT_RECORD: "recorded an agreement with a recipient",
    Action.AGREEMENT_READ: "read an agreement with a recipient",
    Action.REVIEW_OPEN: "opened a task for review",
    Action.REVIEW_LIST: "listed the tasks for review",
    Action.REVIEW_CLOSE: "closed a task for review",
    Action.ACCOUNTING_READ: "read a patient's accounting of disclosures",
    Action.AUDIT_READ: "read the audit trail",
    Action.AUDIT_EXPORT: "exported the audit trail",
    Action.ACCOUNT_READ_SELF: "looked at their own account",
    Action.SESSION_LIST: "listed their own sessions",
    Action.SESSION_END: "ended a session",
    Action.SIGN_IN_SUCCEEDED: "signed in",
    Action.SIGN_IN_REFUSED: "tried to sign in",
    Action.SIGN_IN_LOCKED: "tried to sign in to a locked account",
    Action.SIGN_IN_THROTTLED: "tried to sign in too often",
    Action.CALL_UNAUTHENTICATED: "called without being signed in",
    Action.INTEGRITY_FAILED: "met a stored value that could not be verified",
    Action.USER_MANAGE: "managed an account",
    Action.CLIENT_MANAGE: "managed a client",
    Action.PROGRAM_READ: "read the configuration of a program",
    Action.PROGRAM_MANAGE: "changed the configuration of a program",
    Action.KEY_MANAGE: "managed keys",
}

#: Who acted, when no name may or can be given.
ACTORS: Final[Mapping[str, str]] = {
    "staff": "A member of staff",
    "patient": "The patient",
    "requester": "A requester from outside",
    "system": "The service",
    "unknown": "Somebody who was not signed in",
}

#: Why something was refused, by the `reason` or `code` kept in the entry.
REFUSED: Final[Mapping[str, str]] = {
    "not_found": "there was nothing there, or nothing for this caller",
    "not_permitted": "no rule permits it to this caller",
    "policy_error": "the decision could not be evaluated, which counts as no",
    "unknown_name": "nobody has this user name",
    "wrong_password": "the password was wrong",
    "locked": "the name was locked after too many attempts",
    "account_disabled": "the account is disabled",
    "wrong_grant": "this kind of account does not sign in like this",
    "purpose_required": "no purpose of use was stated",
    "purpose_not_allowed": "this caller may not state this purpose",
    "disclosure_denied": "no lawful basis covers it",
    "no_authorized_records": "no lawful basis covers any record",
    "no_longer_permitted": "what it rested on no longer permits it",
    "integrity": "a stored value could not be verified",
}

#: Duties that came with a permission, as a clause without full stop.
DUTIES: Final[Mapping[str, str]] = {
    Obligation.NOTICE_2_32: "the statement of 42 CFR 2.32(a) went with the records",
    Obligation.COPY_OR_EXPLANATION_OF_CONSENT: (
        "a copy of the consent, or an explanation of its scope, went with the records (2.32(b))"
    ),
    Obligation.RECORD_ACCOUNTING_2_25: "it is listed in the patient's accounting of 42 CFR 2.25",
    Obligation.RECORD_ACCOUNTING_528: "it is listed in the patient's accounting of 45 CFR 164.528",
    Obligation.RECHECK_AT_RELEASE: "it was decided again when the records left",
    Obligation.DOCUMENT_EMERGENCY_2_51C: "the emergency is documented in the patient's record (2.51(c))",
    Obligation.DIRECTOR_FINDING: "the program director's own finding is on record",
    Obligation.CITE_EVIDENCE: "the paper it rests on is on record and cited",
    Obligation.ASK_RECIPIENT_NO_FURTHER_USE_2_26: (
        "the recipient was asked not to use or disclose the restricted records further (2.26(a)(4))"
    ),
    Obligation.NOTIFY_PATIENT: "a task to tell the patient was opened",
}
