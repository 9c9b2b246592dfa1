"""The one error tree and the one list of stable codes.

An error says what a caller may know and nothing else: its text is written here or by the operation, never taken from
the input or from a library. The HTTP status is chosen once, at the edge (`edge/problems.py`), from the code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable machine codes of the API. Legal codes (C-..., reasons) appear only inside `errors` and `reasons`."""

    # the request itself
    MALFORMED_JSON = "malformed_json"
    INVALID_REQUEST = "invalid_request"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PRECONDITION_REQUIRED = "precondition_required"
    VERSION_STALE = "version_stale"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid"
    CURSOR_INVALID = "cursor_invalid"
    # who is calling
    UNAUTHENTICATED = "unauthenticated"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    TOKEN_REQUEST_INVALID = "token_request_invalid"  # noqa: S105 -- an error code, not a secret
    CSRF_REFUSED = "csrf_refused"
    PURPOSE_REQUIRED = "purpose_required"
    PURPOSE_NOT_ALLOWED = "purpose_not_allowed"
    NOT_PERMITTED = "not_permitted"
    NOT_FOUND = "not_found"
    NO_AUTHORIZED_RECORDS = "no_authorized_records"
    TOO_MANY_REQUESTS = "too_many_requests"
    # people and records
    SEARCH_TOO_BROAD = "search_too_broad"
    RECIPIENT_INVALID = "recipient_invalid"
    RELATIONSHIP_INVALID = "relationship_invalid"
    EVENT_INVALID = "event_invalid"
    ITEM_INVALID = "item_invalid"
    EVENT_ALREADY_RECORDED = "event_already_recorded"
    EPISODE_INVALID = "episode_invalid"
    EPISODE_STATE = "episode_state"
    EPISODE_OPEN = "episode_open"
    PATIENT_MERGED = "patient_merged"
    MERGE_INVALID = "merge_invalid"
    MERGE_STATE = "merge_state"
    EMERGENCY_INVALID = "emergency_invalid"
    EMERGENCY_ENDED = "emergency_ended"
    REVIEW_CLOSED = "review_closed"
    RESTRICTION_INVALID = "restriction_invalid"
    RESTRICTION_STATE = "restriction_state"
    RESTRICTION_MUST_BE_AGREED = "restriction_must_be_agreed"
    # intake
    INSTRUMENT_UNKNOWN = "instrument_unknown"
    ASSESSMENT_REJECTED = "assessment_rejected"
    ASSESSMENT_INCOMPLETE = "assessment_incomplete"
    ASSESSMENT_NOT_DRAFT = "assessment_not_draft"
    ASSESSMENT_IN_ERROR = "assessment_in_error"
    INTERPRETER_MISSING = "interpreter_missing"
    ASSESSMENT_NOT_COMPLETED = "assessment_not_completed"
    ASSESSMENT_PATIENT_TYPED = "assessment_patient_typed"
    TOTAL_MISMATCH = "total_mismatch"
    LICENCE_EXPIRED = "licence_expired"
    PACK_INVALID = "pack_invalid"
    PACK_STATE = "pack_state"
    FLAG_CLOSED = "flag_closed"
    # the packet and the gate
    PACKET_ITEM_STATE = "packet_item_state"
    PACKET_ITEM_INVALID = "packet_item_invalid"
    PACKET_ITEM_NOT_WAIVABLE = "packet_item_not_waivable"
    FORM_INVALID = "form_invalid"
    FORM_TEXT_CHANGED = "form_text_changed"
    FORM_NOT_NOW = "form_not_now"
    SCREENING_BLOCKED = "screening_blocked"
    ADMISSION_BLOCKED = "admission_blocked"
    # care plans
    CARE_PLAN_INVALID = "care_plan_invalid"
    CARE_PLAN_STATE = "care_plan_state"
    VISIT_INVALID = "visit_invalid"
    VISIT_IN_ERROR = "visit_in_error"
    DISCHARGE_INVALID = "discharge_invalid"
    PLACEMENT_INVALID = "placement_invalid"
    PLACEMENT_STATE = "placement_state"
    SUGGESTION_STALE = "suggestion_stale"
    MEDICAL_INVALID = "medical_invalid"
    MEDICAL_INCOMPLETE = "medical_incomplete"
    MEDICAL_FLAGS_OPEN = "medical_flags_open"
    DIAGNOSIS_INVALID = "diagnosis_invalid"
    DIAGNOSIS_STANDS = "diagnosis_stands"
    LABELS_INVALID = "labels_invalid"
    # consent
    CONSENT_KIND_UNSUPPORTED = "consent_kind_unsupported"
    CONSENT_INCOMPLETE = "consent_incomplete"
    CONSENT_NOT_DRAFT = "consent_not_draft"
    CONSENT_NOT_ACTIVE = "consent_not_active"
    CONSENT_TEXT_CHANGED = "consent_text_changed"
    CONSENT_TEXT_ADOPTED = "consent_text_adopted"
    CONSENT_NOT_REVOCABLE_YET = "consent_not_revocable_yet"
    RULING_NOT_APPLICABLE = "ruling_not_applicable"
    TRANSITION_REFUSED = "transition_refused"
    # disclosure
    DISCLOSURE_DENIED = "disclosure_denied"
    DISCLOSURE_NEEDS_REVIEW = "disclosure_needs_review"
    DISCLOSURE_INVALID = "disclosure_invalid"
    # evidence
    EVIDENCE_INCOMPLETE = "evidence_incomplete"
    # what is kept, and what was destroyed
    RECORD_DESTROYED = "record_destroyed"
    HOLD_INVALID = "hold_invalid"
    HOLD_LIFTED = "hold_lifted"
    SHREDDING_INVALID = "shredding_invalid"
    SHREDDING_STATE = "shredding_state"
    SHREDDING_SECOND_PERSON = "shredding_second_person"
    RECORD_MUST_BE_KEPT = "record_must_be_kept"
    # the ledger
    COSIGNATURE_INVALID = "cosignature_invalid"
    # identity and administration
    USERNAME_TAKEN = "username_taken"
    PASSWORD_UNACCEPTABLE = "password_unacceptable"  # noqa: S105 -- an error code, not a secret
    PROGRAM_INVALID = "program_invalid"
    ROLE_INVALID = "role_invalid"
    CREDENTIAL_INVALID = "credential_invalid"
    MESSAGE_UNSENDABLE = "message_unsendable"
    # the service
    SEALED = "sealed"
    INTEGRITY = "integrity"
    UNAVAILABLE = "unavailable"
    LEDGER_FORKED = "ledger_forked"
    LEDGER_NOT_ANCHORED = "ledger_not_anchored"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: `field` is a path such as `recipients[0].name`; never holds the bad value."""

    field: str
    code: str
    message: str
    citation: str | None = None


class ConsentryError(Exception):
    """Base of everything the service raises on purpose; `detail` and `extra` are safe to show to the caller."""

    def __init__(self, code: Code, detail: str, errors: Sequence[FieldError] = (), **extra: object) -> None:
        super().__init__(code.value)
        self.code = code
        self.detail = detail
        self.errors: tuple[FieldError, ...] = tuple(errors)
        self.extra: Mapping[str, object] = extra


class BadRequest(ConsentryError):
    """The request cannot be read as what it claims to be (400)."""


class Invalid(ConsentryError):
    """Understood, and not acceptable as it is (422)."""


class Unauthenticated(ConsentryError):
    """Nobody we know, or no longer (401)."""


class Refused(ConsentryError):
    """A denial: recorded in its own transaction by `work.refuse` before the caller hears of it."""


class NotFound(ConsentryError):
    """Not there, or not the caller's to know (404)."""


class Conflict(ConsentryError):
    """Not in this state (409)."""


class Stale(ConsentryError):
    """Changed since the caller read it (412)."""


class PreconditionRequired(ConsentryError):
    """A change without saying which version it changes (428)."""


class TooMany(ConsentryError):
    """Slow down (429)."""


class Unavailable(ConsentryError):
    """The service cannot do or record this now; nothing happened (503)."""


class IntegrityError(ConsentryError):
    """A sealed value does not open as what it should be: one uniform error, whatever the cause."""

    def __init__(self) -> None:
        super().__init__(
            Code.INTEGRITY, "A stored value could not be verified. The incident has been recorded."
        )


class StartRefused(ConsentryError):
    """The service must not start like this; `detail` tells the operator what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(Code.SEALED, detail)
        self.args = (detail,)
