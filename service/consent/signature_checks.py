"""The checks of the element table that look at signatures: one function per code, True when broken.

Who has to sign is worked out in `signers` (2.31(a)(8), 2.14, 2.15); the checks here only look up its verdict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from service.consent.model import Signature, SignatureMethod


@dataclass(frozen=True, slots=True)
class Signing:
    """What the signature elements are judged on. `drafted_on` and `today` are days in the program's zone.

    `signatures`: all there are; `fresh`: those made now, whose dates are looked at (a first signature of
    yesterday was judged yesterday). `signer_faults`: codes from `signers`. `text_sha256` is the hash of the text
    as rendered now; a signature under another text is not evidence for this one. `esign_barred`: other law
    of the program's state bars electronic signatures on such a consent (2.31(a)(8)).
    """

    signatures: tuple[Signature, ...]
    fresh: tuple[Signature, ...]
    drafted_on: date
    today: date
    signer_faults: frozenset[str]
    text_sha256: str
    esign_barred: bool = False


def _no_evidence(s: Signing) -> bool:
    return any(
        signature.text_sha256 != s.text_sha256
        or not signature.attestation.strip()
        or not signature.name.strip()
        or (signature.method is not SignatureMethod.TYPED and not signature.image_sha256)
        for signature in s.signatures
    )


def _backdated(s: Signing) -> bool:
    for signature in s.fresh:
        if signature.signed_on is None:
            continue
        if signature.signed_on < s.drafted_on:
            return True
        if signature.method is not SignatureMethod.PAPER_SCAN and signature.signed_on < s.today:
            return True
    return False


def _electronic(s: Signing) -> bool:
    return any(signature.method is not SignatureMethod.PAPER_SCAN for signature in s.signatures)


def _signers(code: str) -> Callable[[Signing], bool]:
    return lambda s: code in s.signer_faults


SIGNATURE_CHECKS: Mapping[str, Callable[[Signing], bool]] = {
    "C-SIGNATURE": lambda s: not s.signatures,
    "C-SIGNER": _signers("C-SIGNER"),
    "C-SIGNER-MINOR": _signers("C-SIGNER-MINOR"),
    "C-SIGNER-COSIGN": _signers("C-SIGNER-COSIGN"),
    "C-SIGNER-CAPACITY": _signers("C-SIGNER-CAPACITY"),
    "C-SIGNER-DECEASED": _signers("C-SIGNER-DECEASED"),
    "C-SIGNER-DIRECTOR-PAYMENT-ONLY": _signers("C-SIGNER-DIRECTOR-PAYMENT-ONLY"),
    "C-ESIGN-BARRED": lambda s: s.esign_barred and _electronic(s),
    "C-ESIGN-EVIDENCE": _no_evidence,
    "C-DATE": lambda s: any(g.signed_on is None for g in s.signatures),
    "C-DATE-FUTURE": lambda s: any(g.signed_on is not None and g.signed_on > s.today for g in s.fresh),
    "C-DATE-BACKDATED": _backdated,
}
