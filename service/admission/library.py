"""The books a packet is worked out with, put together once by the composition root."""

from pathlib import Path

from service.admission.deadlines import load_deadlines
from service.admission.packet.catalogue import load_packet
from service.admission.packet.derive import Books
from service.admission.packet.intake import Library
from service.admission.packet.texts import load_texts
from service.consent.rulebook import Rulebook
from service.intake.medical.book import MedicalBook


def load_library(policies: Path, consents: Rulebook, medical: MedicalBook) -> Library:
    """The packet, its words and its deadlines of the folder `policies`; StartRefused with the place of a fault."""
    deadlines = load_deadlines(policies)
    packet = load_packet(policies, deadlines)
    texts = load_texts(policies, [key for key, rule in packet.items.items() if rule.is_form])
    return Library(Books(packet, texts, deadlines), consents, medical)
