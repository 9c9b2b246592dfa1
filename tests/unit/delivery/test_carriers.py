"""What carriers make of what the other side does: SMTP against a server of our own, texts over HTTP."""

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.config import Settings, read_settings
from service.delivery.carriers import Carrier, HttpTexts, NoCarrier, NotNow, Outcome, Parcel, Refused, Sent
from service.delivery.model import Channel
from service.delivery.outbox import OUTBOX
from service.delivery.smtp import Mail
from service.errors import StartRefused
from service.jobs.registered import carriers_of
from tests.fakes import MailServer

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
PARCEL = Parcel("id-1", "ann@example.net", "Front Desk", "Hello", "¿Qué tal?\n", AT)


def mail(server: MailServer, **more: object) -> Mail:
    return replace(Mail("127.0.0.1", server.port, "office@example.org", tls=False, timeout=3.0), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("250 ok", Sent()),
        ("421 closing", NotNow("later")),
        ("450 busy", NotNow("later")),
        ("550 nobody here", Refused("rejected")),
        ("554 spam", Refused("rejected")),
    ],
)
def test_the_servers_word_decides(reply: str, outcome: Outcome) -> None:
    with MailServer(replies=[reply]) as server:
        assert mail(server).deliver(PARCEL) == outcome
        assert len(server.received) == (1 if isinstance(outcome, Sent) else 0)


def test_what_was_taken_is_sent_whatever_happens_to_the_connection() -> None:
    with MailServer(cut=True) as server:
        assert mail(server).deliver(PARCEL) == Sent()
        assert server.received[0].get_content().splitlines() == PARCEL.body.splitlines()


def test_a_server_that_says_nothing_or_is_not_there() -> None:
    with MailServer(hang=True) as server:
        assert mail(server, timeout=0.1).deliver(PARCEL) == NotNow("no_server")
    assert mail(server, timeout=0.5).deliver(PARCEL) == NotNow("no_server")


def test_without_encryption_nothing_goes_to_another_machine() -> None:
    with MailServer() as server:
        assert mail(server, tls=True).deliver(PARCEL) == NotNow("no_tls")
        assert server.senders == []


def test_encryption_is_checked(tmp_path: Path) -> None:
    theirs, trusting = _contexts(tmp_path)
    with MailServer(tls=theirs) as server:
        assert mail(server, tls=True).deliver(PARCEL) == NotNow("broken_off"), "nobody vouches for it"
        assert server.senders == []
        assert mail(server, tls=True, context=trusting).deliver(PARCEL) == Sent()
        assert len(server.received) == 1


def test_a_server_that_does_not_know_us_is_no_verdict() -> None:
    with MailServer() as server:
        assert mail(server, username="us", password="not known").deliver(PARCEL) == NotNow("sign_in")


@pytest.mark.parametrize("address", ["a\r\nBcc: b@example.org@example.org", "", "ann@example.net\n"])
def test_an_address_that_is_none_goes_nowhere(address: str) -> None:
    with MailServer() as server:
        outcome = mail(server).deliver(replace(PARCEL, to=address))
        assert outcome == Refused("address")
        assert server.received == []


def test_an_address_beyond_ascii_needs_a_server_that_can() -> None:
    with MailServer() as server:
        assert mail(server).deliver(replace(PARCEL, to="añn@example.net")) == Refused("address")


def texts(status: int | None) -> tuple[HttpTexts, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if status is None:
            raise httpx.ConnectError("nobody")
        return httpx.Response(status, text="+1 555 0101 is not ours")

    return HttpTexts("https://texts.example/send", "shown", transport=httpx.MockTransport(answer)), seen


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Sent()),
        (202, Sent()),
        (302, NotNow("status_302")),
        (400, Refused("rejected")),
        (401, NotNow("status_401")),
        (422, Refused("rejected")),
        (429, NotNow("status_429")),
        (500, NotNow("status_500")),
        (None, NotNow("no_answer")),
    ],
)
def test_texts_over_http(status: int | None, outcome: Outcome) -> None:
    carrier, seen = texts(status)
    assert asyncio.run(carrier.carry(PARCEL)) == outcome
    assert seen[0].headers["Idempotency-Key"] == "id-1"
    assert seen[0].headers["Authorization"] == "Bearer shown"
    assert b"Front Desk" not in seen[0].content


def test_nobody_refuses_honestly() -> None:
    assert asyncio.run(NoCarrier().carry(PARCEL)) == Refused("not_configured")


_ENV = {"DATABASE_URL": "postgresql://x/y", "CONSENTRY_SEQUENCER_DATABASE_URL": "postgresql://x/y"}
_DELIVERY = {
    "CONSENTRY_SMTP_HOST": "mail.example",
    "CONSENTRY_SMTP_PORT": "2525",
    "CONSENTRY_MAIL_FROM": "office@example.org",
    "CONSENTRY_TEXTS_URL": "https://texts.example/send",
    "CONSENTRY_TEXTS_TOKEN": "shown",
    "CONSENTRY_BOUNCE_TOKEN": "shown-too",
}


def test_what_is_configured_carries_and_survives_into_a_worker() -> None:
    nothing = carriers_of(read_settings(_ENV))
    assert all(isinstance(one, NoCarrier) for one in nothing.values())
    settings = read_settings(_ENV | _DELIVERY)
    assert read_settings(settings.to_environment()) == settings
    carriers = carriers_of(settings)
    email: Carrier = carriers[Channel.EMAIL]
    assert isinstance(email, Mail) and email.tls and email.port == 2525
    assert isinstance(carriers[Channel.TEXT], HttpTexts)
    here: Settings = replace(settings, smtp_host="127.0.0.1")
    local = carriers_of(here)[Channel.EMAIL]
    assert isinstance(local, Mail) and not local.tls


@pytest.mark.parametrize("wrong", [{"CONSENTRY_MAIL_FROM": ""}, {"CONSENTRY_SMTP_PORT": "mail"}])
def test_settings_that_cannot_work_refuse_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(StartRefused):
        read_settings(_ENV | _DELIVERY | wrong)


def _contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's certificate that nobody vouches for, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(path)
    return theirs, ssl.create_default_context(cafile=str(path))


def test_a_demo_writes_files_for_their_owner_and_nothing_else_does(tmp_path: Path) -> None:
    settings = read_settings(_ENV | {"CONSENTRY_DATA": str(tmp_path)})
    assert isinstance(carriers_of(settings)[Channel.EMAIL], NoCarrier)
    outbox = carriers_of(replace(settings, demo=True))[Channel.TEXT]
    for words in ("first", "again"):
        assert asyncio.run(outbox.carry(replace(PARCEL, body=words))) == Sent()
    (written,) = (tmp_path / OUTBOX).iterdir()
    assert written.read_text().endswith("Subject: Hello\n\nagain\n")
    assert [one.stat().st_mode & 0o777 for one in (written, written.parent)] == [0o600, 0o700]
