"""What a decision says: allowed or not, by which rules, on what authority, with which duties."""

from dataclasses import dataclass
from enum import StrEnum


class Confidence(StrEnum):
    """How sure we are that the text says so: the law's own words, our policy on top of it, or ask counsel."""

    LAW = "law"
    POLICY = "policy"
    UNSURE = "unsure"


class Obligation(StrEnum):
    """Duties that come with a permission. A permission whose duty cannot be discharged is a denial."""

    #: The written statement of 42 CFR 2.32(a) travels with the records.
    NOTICE_2_32 = "NOTICE_2_32"
    #: A copy of the consent, or a clear explanation of its scope, travels with them (2.32(b)).
    COPY_OR_EXPLANATION_OF_CONSENT = "COPY_OR_EXPLANATION_OF_CONSENT"
    RECORD_ACCOUNTING_2_25 = "RECORD_ACCOUNTING_2_25"
    RECORD_ACCOUNTING_528 = "RECORD_ACCOUNTING_528"
    #: Decide again at the moment the records leave.
    RECHECK_AT_RELEASE = "RECHECK_AT_RELEASE"
    #: Complete documentation of the emergency in the patient's record, in the same act (2.51(c)).
    DOCUMENT_EMERGENCY_2_51C = "DOCUMENT_EMERGENCY_2_51C"
    #: The program director's own finding is on record (2.14(c), 2.15(a)(2)).
    DIRECTOR_FINDING = "DIRECTOR_FINDING"
    #: The paper the basis rests on (agreement, order, request, report) is on record and cited in the act.
    CITE_EVIDENCE = "CITE_EVIDENCE"
    #: The recipient is asked in writing not to use or disclose restricted records further (2.26(a)(4)).
    ASK_RECIPIENT_NO_FURTHER_USE_2_26 = "ASK_RECIPIENT_NO_FURTHER_USE_2_26"
    #: A task to tell the patient is opened with the act.
    NOTIFY_PATIENT = "NOTIFY_PATIENT"


@dataclass(frozen=True, slots=True)
class Citation:
    """One determining rule: `id` as in its policy file, the paragraphs it rests on, and how sure we are.

    `reason` is the rule's stable reason code and `text` its plain sentence, where the file gives them, else
    "".
    """

    id: str
    cite: str
    conf: Confidence
    reason: str = ""
    text: str = ""
    #: Basis it is recorded under, where that is another row of the decision table than its own id; else "".
    basis: str = ""
    #: "" for a plain rule; for a forbid that asks for a person's judgement: `if_permitted` (needs review when
    #: every other fact permits) or `always`.
    review: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Permitted only if a rule says so and nothing erred.

    `policies` are the ids of the rules that determined the outcome, sorted. A denial without a forbidding
    rule (no rule applied) has none; `failed` then says whether the evaluation itself failed, which is also
    a denial.
    """

    permitted: bool
    policies: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    refused_by: tuple[str, ...] = ()
    failed: bool = False

    @property
    def basis(self) -> str | None:
        """What the first permitting rule is recorded as: the lawful basis of a legal decision. None when denied."""
        if not self.permitted or not self.policies:
            return None
        return next((citation.basis for citation in self.citations[:1] if citation.basis), self.policies[0])
