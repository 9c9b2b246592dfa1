"""The one vocabulary of acts: what a policy permits is what the ledger records.

`resource.verb`, for permissions and for audit entries alike, so that "who may read a consent" and "who read
a consent" are the same word. An act nobody can be permitted (a failed sign-in) is an event: it is recorded,
never decided.
"""

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """Every act and event. Adding one: say in `groups` whether it touches a patient, then give it rows in roles.yaml."""

    # people
    PATIENT_REGISTER = "patient.register"
    PATIENT_SEARCH = "patient.search"
    PATIENT_READ = "patient.read"
    PATIENT_UPDATE = "patient.update"
    #: What a patient is found by, written anew after an upgrade.
    PATIENT_REINDEX = "patient.reindex"
    RELATIONSHIP_RECORD = "relationship.record"
    EVENT_RECORD = "event.record"
    RECIPIENT_REGISTER = "recipient.register"
    RECIPIENT_LIST = "recipient.list"
    PATIENT_MERGE = "patient.merge"
    PATIENT_UNMERGE = "patient.unmerge"
    #: The service marks a patient as in danger at home; compliance takes that away.
    PATIENT_MARK = "patient.mark"
    PATIENT_UNMARK = "patient.unmark"
    PATIENT_WATCH = "patient.watch"
    #: The patients a member of staff works with, by name: each shown has an entry of its own.
    CASELOAD_READ = "caseload.read"
    EPISODE_OPEN = "episode.open"
    EPISODE_READ = "episode.read"
    EPISODE_ADMIT = "episode.admit"
    #: Step-down, taper, transfer, discharge.
    EPISODE_MOVE = "episode.move"
    EMERGENCY_OPEN = "emergency.open"
    EMERGENCY_END = "emergency.end"
    # intake
    INSTRUMENT_READ = "instrument.read"
    ASSESSMENT_SAVE = "assessment.save"
    ASSESSMENT_COMPLETE = "assessment.complete"
    ASSESSMENT_AMEND = "assessment.amend"
    ASSESSMENT_READ = "assessment.read"
    ASSESSMENT_LIST = "assessment.list"
    FLAG_RAISE = "flag.raise"
    FLAG_ACKNOWLEDGE = "flag.acknowledge"
    #: The signature that ends an urgent one; asked beside the act itself, once it is known how urgent the flag is.
    FLAG_ACKNOWLEDGE_URGENT = "flag.acknowledge_urgent"
    FLAG_ASSIGN = "flag.assign"
    FLAG_ESCALATE = "flag.escalate"
    PACK_ATTEST = "pack.attest"
    PACK_READ = "pack.read"
    MEDICAL_WRITE = "medical.write"
    MEDICAL_READ = "medical.read"
    #: A nurse or medical reviewer has read the medical intake and signs for it.
    MEDICAL_REVIEW = "medical.review"
    DIAGNOSIS_RECORD = "diagnosis.record"
    LABEL_RAISE = "label.raise"
    LABEL_LOWER = "label.lower"
    # admission
    PACKET_READ = "packet.read"
    PACKET_WORK = "packet.work"
    PACKET_WAIVE = "packet.waive"
    #: What is to be done today, of all patients of the program.
    WORK_LIST_READ = "work_list.read"
    FORM_SIGN = "form.sign"
    FORM_READ = "form.read"
    PLACEMENT_READ = "placement.read"
    PLACEMENT_DECIDE = "placement.decide"
    #: A second clinician signs for an override downwards.
    PLACEMENT_SECOND = "placement.second"
    CARE_PLAN_WRITE = "care_plan.write"
    CARE_PLAN_READ = "care_plan.read"
    CARE_PLAN_SIGN = "care_plan.sign"
    #: A supervisor signs for a trainee.
    CARE_PLAN_COSIGN = "care_plan.cosign"
    VISIT_RECORD = "visit.record"
    #: Figures about the program: override rates, deadlines kept. No patient in them.
    REPORT_READ = "report.read"
    # delivery
    MESSAGE_SEND = "message.send"
    MESSAGE_READ = "message.read"
    MESSAGE_SETTLE = "message.settle"
    LINK_MAKE = "link.make"
    LINK_END = "link.end"
    LINK_OPEN = "link.open"
    LINK_REFUSED = "link.refused"
    # the record
    ITEM_WRITE = "item.write"
    ITEM_READ = "item.read"
    RECORD_READ = "record.read"
    RECORD_USE = "record.use"
    ATTACHMENT_ADD = "attachment.add"
    ATTACHMENT_READ = "attachment.read"
    ATTACHMENT_LIST = "attachment.list"
    # consent
    CONSENT_DRAFT = "consent.draft"
    CONSENT_READ = "consent.read"
    CONSENT_LIST = "consent.list"
    CONSENT_PREVIEW = "consent.preview"
    CONSENT_SIGN = "consent.sign"
    CONSENT_REVOKE = "consent.revoke"
    CONSENT_SUPERSEDE = "consent.supersede"
    CONSENT_MARK_ERROR = "consent.mark_error"
    CONSENT_EXPIRE = "consent.expire"
    #: A compliance officer's ruling on a doubt, an ending event or a formal defect of one consent.
    CONSENT_RULE = "consent.rule"
    CONSENT_TEXT_READ = "consent_text.read"
    CONSENT_TEXT_ADOPT = "consent_text.adopt"
    #: The consents in force whose words have been replaced, to be collected again.
    CONSENT_TEXT_RECOLLECT = "consent_text.recollect"
    # restrictions (2.26)
    RESTRICTION_REQUEST = "restriction.request"
    RESTRICTION_ANSWER = "restriction.answer"
    RESTRICTION_END = "restriction.end"
    RESTRICTION_LIST = "restriction.list"
    # evidence for bases without consent
    EVIDENCE_RECORD = "evidence.record"
    EVIDENCE_SIGN_OFF = "evidence.sign_off"
    #: Findings that are the program director's alone (2.14(c), 2.15(a)(2), 2.52).
    EVIDENCE_FIND = "evidence.find"
    EVIDENCE_END = "evidence.end"
    EVIDENCE_READ = "evidence.read"
    EVIDENCE_LIST = "evidence.list"
    #: Agreements and papers about no single patient: QSOA, research, audit, data use.
    AGREEMENT_RECORD = "agreement.record"
    AGREEMENT_READ = "agreement.read"
    # disclosure
    DISCLOSURE_PREVIEW = "disclosure.preview"
    DISCLOSURE_MAKE = "disclosure.make"
    DISCLOSURE_READ = "disclosure.read"
    DISCLOSURE_LIST = "disclosure.list"
    DISCLOSURE_RELEASE = "disclosure.release"
    PACKAGE_FETCH = "package.fetch"
    RECORDS_REQUEST = "records.request"
    ACCOUNTING_READ = "accounting.read"
    # the trail
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"
    REVIEW_OPEN = "review.open"
    REVIEW_LIST = "review.list"
    REVIEW_CLOSE = "review.close"
    FINDING_RAISE = "finding.raise"
    FINDING_LIST = "finding.list"
    FINDING_DECIDE = "finding.decide"
    #: What happens to the ledger itself: anchors late or back, a fork seen, writing stopped and taken up again.
    LEDGER_STATUS = "ledger.status"
    LEDGER_RESTORE = "ledger.restore"
    LEDGER_WITNESS = "ledger.witness"
    # what must be kept
    HOLD_PLACE = "hold.place"
    HOLD_LIFT = "hold.lift"
    HOLD_READ = "hold.read"
    # accounts
    ACCOUNT_READ_SELF = "account.read_self"
    SESSION_LIST = "session.list"
    SESSION_END = "session.end"
    SIGN_IN_SUCCEEDED = "sign_in.succeeded"
    SIGN_IN_REFUSED = "sign_in.refused"
    SIGN_IN_LOCKED = "sign_in.locked"
    SIGN_IN_THROTTLED = "sign_in.throttled"
    CALL_UNAUTHENTICATED = "call.unauthenticated"
    INTEGRITY_FAILED = "integrity.failed"
    # administration
    USER_MANAGE = "user.manage"
    CREDENTIAL_MANAGE = "credential.manage"
    CLIENT_MANAGE = "client.manage"
    PROGRAM_READ = "program.read"
    PROGRAM_MANAGE = "program.manage"
    KEY_MANAGE = "key.manage"
    KEY_READ = "key.read"
    KEY_ROTATE = "key.rotate"
    #: Destroying a patient's key takes two people in two roles.
    KEY_SHRED_ASK = "key.shred_ask"
    KEY_SHRED_APPROVE = "key.shred_approve"

    @property
    def is_event(self) -> bool:
        """True for what happens to the service rather than being permitted by it; no policy can allow it."""
        return self in _EVENTS


#: What may still be asked about a patient whose record was destroyed: how that came about, what was kept, what the law
#: wants accounted for. Everything else is answered by saying that the record is gone.
AFTER_DESTRUCTION: Final = frozenset(
    {
        Action.ACCOUNTING_READ,
        Action.AUDIT_READ,
        Action.AUDIT_EXPORT,
        Action.HOLD_READ,
        Action.KEY_SHRED_ASK,
        Action.KEY_SHRED_APPROVE,
    }
)

#: What adds to a patient's chart: refused where the chart was merged into another one. What narrows or ends something
#: (a revocation, a restriction, a discharge, an acknowledged flag) stays possible there, and so does every reading.
ADDING_ACTIONS: Final = frozenset(
    {
        Action.PATIENT_UPDATE,
        Action.PATIENT_MERGE,
        Action.EPISODE_OPEN,
        Action.EPISODE_ADMIT,
        Action.ASSESSMENT_SAVE,
        Action.ASSESSMENT_COMPLETE,
        Action.ASSESSMENT_AMEND,
        Action.MEDICAL_WRITE,
        Action.MEDICAL_REVIEW,
        Action.DIAGNOSIS_RECORD,
        Action.PACKET_WORK,
        Action.FORM_SIGN,
        Action.PLACEMENT_DECIDE,
        Action.PLACEMENT_SECOND,
        Action.CARE_PLAN_WRITE,
        Action.CARE_PLAN_SIGN,
        Action.CARE_PLAN_COSIGN,
        Action.VISIT_RECORD,
        Action.MESSAGE_SEND,
        Action.LINK_MAKE,
        Action.ITEM_WRITE,
        Action.ATTACHMENT_ADD,
        Action.CONSENT_DRAFT,
        Action.CONSENT_SIGN,
        Action.CONSENT_SUPERSEDE,
        Action.EVIDENCE_RECORD,
    }
)

_EVENTS: Final = frozenset(
    {
        Action.FLAG_RAISE,
        Action.FLAG_ESCALATE,
        Action.PATIENT_MARK,
        Action.MESSAGE_SETTLE,
        Action.LINK_OPEN,
        Action.LINK_REFUSED,
        Action.REVIEW_OPEN,
        Action.LEDGER_STATUS,
        Action.SIGN_IN_SUCCEEDED,
        Action.SIGN_IN_REFUSED,
        Action.SIGN_IN_LOCKED,
        Action.SIGN_IN_THROTTLED,
        Action.CALL_UNAUTHENTICATED,
        Action.INTEGRITY_FAILED,
    }
)
