"""All routers of the API under its base path. A new resource adds one import and one line here."""

from fastapi import APIRouter

from service.api import (
    administration,
    agreements,
    assessments,
    attachments,
    audit,
    audit_proofs,
    auth,
    care_plans,
    caseload,
    consent_texts,
    consents,
    credentials,
    discharge,
    disclosures,
    emergency,
    episodes,
    events,
    evidence,
    flags,
    health,
    holds,
    instruments,
    items,
    keys,
    links,
    medical,
    medical_findings,
    merges,
    messages,
    packet,
    packet_forms,
    packs,
    patients,
    placement,
    questionnaires,
    recipients,
    record_requests,
    relationships,
    restrictions,
    reviews,
    safety_plans,
    visits,
    watches,
)
from service.edge.directory import Directory
from service.edge.models import ProblemModel

_PROBLEM = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{ProblemModel.__name__}"}}}
#: Every route can answer with a problem; named once so that the description says so everywhere.
PROBLEMS: dict[int | str, dict[str, object]] = {
    "4XX": {"description": "The caller can do something about it.", "content": _PROBLEM},
    "5XX": {"description": "The service cannot do this now; nothing was changed.", "content": _PROBLEM},
}

router = Directory(prefix="/api/v1", responses=PROBLEMS)
root = APIRouter(responses=PROBLEMS)
root.include_router(health.router)
root.include_router(auth.well_known)
router.include_router(auth.router)
router.include_router(administration.router)
router.include_router(credentials.router)
router.include_router(patients.router)
router.include_router(merges.router)
router.include_router(caseload.router)
router.include_router(episodes.router)
router.include_router(events.router)
router.include_router(relationships.router)
router.include_router(recipients.router)
router.include_router(instruments.router)
router.include_router(questionnaires.router)
router.include_router(packs.router)
router.include_router(assessments.router)
router.include_router(placement.router)
router.include_router(packet.router)
router.include_router(packet_forms.router)
router.include_router(flags.router)
router.include_router(consent_texts.router)
router.include_router(consents.router)
router.include_router(disclosures.router)
router.include_router(record_requests.router)
router.include_router(items.router)
router.include_router(medical.router)
router.include_router(medical_findings.router)
router.include_router(attachments.router)
router.include_router(evidence.router)
router.include_router(agreements.router)
router.include_router(restrictions.router)
router.include_router(emergency.router)
router.include_router(reviews.router)
router.include_router(watches.router)
router.include_router(links.router)
router.include_router(messages.router)
router.include_router(care_plans.router)
router.include_router(visits.router)
router.include_router(safety_plans.router)
router.include_router(discharge.router)
router.include_router(keys.router)
router.include_router(holds.router)
router.include_router(audit.router)
router.include_router(audit_proofs.router)
