"""Groups of acts that rules speak of as one: what the law decides, what is clinical, what touches a patient.

The policies know them as parents of the act (`compile.py` writes them into the schema); an act that belongs to none is
`ordinary`.
"""

from typing import Final

from service.access.actions import Action

#: Acts on one item, decided by the law rather than by role (policies/disclosure.cedar).
LEGAL_ACTIONS: Final = frozenset({Action.RECORD_USE, Action.DISCLOSURE_RELEASE})

#: Clinical content: what a compliance officer never reads.
CONTENT_ACTIONS: Final = frozenset(
    {
        Action.ASSESSMENT_READ,
        Action.ASSESSMENT_LIST,
        Action.ITEM_READ,
        Action.RECORD_READ,
        Action.RECORD_USE,
        Action.PACKAGE_FETCH,
        Action.ATTACHMENT_READ,
        Action.MEDICAL_READ,
        Action.MEDICAL_WRITE,
        Action.PLACEMENT_READ,
        Action.CARE_PLAN_READ,
    }
)

#: What takes a professional's licence or certificate: forbidden to whoever's has run out.
CLINICAL_ACTIONS: Final = frozenset(
    {
        Action.MEDICAL_REVIEW,
        Action.DIAGNOSIS_RECORD,
        Action.PLACEMENT_DECIDE,
        Action.PLACEMENT_SECOND,
        Action.CARE_PLAN_WRITE,
        Action.CARE_PLAN_SIGN,
        Action.CARE_PLAN_COSIGN,
        Action.EPISODE_MOVE,
        Action.EMERGENCY_OPEN,
        Action.EVIDENCE_SIGN_OFF,
    }
)

#: What stands for somebody else's signature too: forbidden to whoever needs a second one for their own.
SECOND_SIGNATURES: Final = frozenset(
    {Action.PLACEMENT_SECOND, Action.CARE_PLAN_COSIGN, Action.EVIDENCE_SIGN_OFF}
)

#: What ends a safety flag. The front desk may, licence or none, because it hands over: a clinician may with a licence.
FLAG_ENDINGS: Final = frozenset({Action.FLAG_ACKNOWLEDGE, Action.FLAG_ACKNOWLEDGE_URGENT})

#: Everything an outside requester can ever be permitted; a guardrail forbids it the rest.
OUTSIDE_ACTIONS: Final = frozenset(
    {
        Action.RECORDS_REQUEST,
        Action.DISCLOSURE_RELEASE,
        Action.PACKAGE_FETCH,
        Action.ACCOUNT_READ_SELF,
        Action.SESSION_LIST,
        Action.SESSION_END,
    }
)

#: What reads or changes something about one patient: a purpose of use must be stated for it.
TOUCHING_PATIENT: Final = frozenset(
    {
        Action.PATIENT_REGISTER,
        Action.PATIENT_SEARCH,
        Action.PATIENT_READ,
        Action.PATIENT_UPDATE,
        Action.PATIENT_REINDEX,
        Action.RELATIONSHIP_RECORD,
        Action.EVENT_RECORD,
        Action.ASSESSMENT_SAVE,
        Action.ASSESSMENT_COMPLETE,
        Action.ASSESSMENT_AMEND,
        Action.ASSESSMENT_READ,
        Action.ASSESSMENT_LIST,
        Action.FLAG_RAISE,
        Action.FLAG_ACKNOWLEDGE,
        Action.FLAG_ACKNOWLEDGE_URGENT,
        Action.ITEM_WRITE,
        Action.ITEM_READ,
        Action.RECORD_READ,
        Action.RECORD_USE,
        Action.CONSENT_DRAFT,
        Action.CONSENT_READ,
        Action.CONSENT_LIST,
        Action.CONSENT_PREVIEW,
        Action.CONSENT_SIGN,
        Action.CONSENT_REVOKE,
        Action.CONSENT_SUPERSEDE,
        Action.CONSENT_MARK_ERROR,
        Action.CONSENT_EXPIRE,
        Action.CONSENT_RULE,
        Action.EMERGENCY_OPEN,
        Action.EMERGENCY_END,
        Action.ATTACHMENT_ADD,
        Action.ATTACHMENT_READ,
        Action.ATTACHMENT_LIST,
        Action.RESTRICTION_REQUEST,
        Action.RESTRICTION_ANSWER,
        Action.RESTRICTION_END,
        Action.RESTRICTION_LIST,
        Action.EVIDENCE_RECORD,
        Action.EVIDENCE_SIGN_OFF,
        Action.EVIDENCE_FIND,
        Action.EVIDENCE_END,
        Action.EVIDENCE_READ,
        Action.EVIDENCE_LIST,
        Action.DISCLOSURE_PREVIEW,
        Action.DISCLOSURE_MAKE,
        Action.DISCLOSURE_READ,
        Action.DISCLOSURE_LIST,
        Action.DISCLOSURE_RELEASE,
        Action.PACKAGE_FETCH,
        Action.RECORDS_REQUEST,
        Action.ACCOUNTING_READ,
        Action.PATIENT_MERGE,
        Action.PATIENT_UNMERGE,
        Action.PATIENT_MARK,
        Action.PATIENT_UNMARK,
        Action.PATIENT_WATCH,
        Action.CASELOAD_READ,
        Action.EPISODE_OPEN,
        Action.EPISODE_READ,
        Action.EPISODE_ADMIT,
        Action.EPISODE_MOVE,
        Action.FLAG_ASSIGN,
        Action.FLAG_ESCALATE,
        Action.MEDICAL_WRITE,
        Action.MEDICAL_READ,
        Action.MEDICAL_REVIEW,
        Action.DIAGNOSIS_RECORD,
        Action.LABEL_RAISE,
        Action.LABEL_LOWER,
        Action.PACKET_READ,
        Action.PACKET_WORK,
        Action.PACKET_WAIVE,
        Action.WORK_LIST_READ,
        Action.FORM_SIGN,
        Action.FORM_READ,
        Action.PLACEMENT_READ,
        Action.PLACEMENT_DECIDE,
        Action.PLACEMENT_SECOND,
        Action.CARE_PLAN_WRITE,
        Action.CARE_PLAN_READ,
        Action.CARE_PLAN_SIGN,
        Action.CARE_PLAN_COSIGN,
        Action.VISIT_RECORD,
        Action.MESSAGE_SEND,
        Action.MESSAGE_READ,
        Action.MESSAGE_SETTLE,
        Action.LINK_MAKE,
        Action.LINK_END,
    }
)
