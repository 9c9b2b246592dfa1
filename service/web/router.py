"""All pages. A new audience adds one import and one line here."""

from fastapi import APIRouter

from service.web import (
    assets,
    autosave,
    entering,
    flags,
    forms,
    labels,
    medical,
    medical_diagnoses,
    packet,
    signing,
    signing_in,
    trail,
)

router = APIRouter()
router.include_router(assets.router)
router.include_router(signing_in.router)
router.include_router(trail.router)
router.include_router(packet.router)
router.include_router(forms.router)
router.include_router(autosave.router)
router.include_router(flags.router)
router.include_router(medical.router)
router.include_router(medical_diagnoses.router)
router.include_router(labels.router)
router.include_router(entering.router)
router.include_router(signing.router)
