"""All pages. A new audience adds one import and one line here."""

from fastapi import APIRouter

from service.web import (
    assets,
    autosave,
    care_plan,
    care_plan_acts,
    care_plan_editing,
    care_plan_ending,
    entering,
    flags,
    forms,
    labels,
    medical,
    medical_diagnoses,
    medical_sections,
    packet,
    placement,
    reviews,
    signing,
    signing_in,
    trail,
)

router = APIRouter()
router.include_router(assets.router)
router.include_router(signing_in.router)
router.include_router(reviews.router)
router.include_router(trail.router)
router.include_router(packet.router)
router.include_router(forms.router)
router.include_router(autosave.router)
router.include_router(flags.router)
router.include_router(medical.router)
router.include_router(medical_sections.router)
router.include_router(medical_diagnoses.router)
router.include_router(labels.router)
router.include_router(care_plan.router)
router.include_router(care_plan_acts.router)
router.include_router(care_plan_editing.router)
router.include_router(care_plan_ending.router)
router.include_router(entering.router)
router.include_router(signing.router)
router.include_router(placement.router)
