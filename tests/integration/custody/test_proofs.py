"""Proofs, tiles and cosignatures over HTTP: as somebody outside would take them and check them."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.ledger.checkpoint import VerifierKey, parse, sign
from service.ledger.cosignatures import Cosignature, WitnessKey, signed_message, with_cosignatures
from service.ledger.merkle import RunningTree, leaf_hash
from service.ledger.proofs import TlogProof
from service.ledger.tiles import unbundle
from service.ledger.verify import signature_is_right
from tests.house import Client, Service, open_program

PATIENT = {"given_name": "Tilda", "family_name": "Testperson", "birth_date": "1984-02-29", "sex": "female"}


class Witness:
    """Somebody outside with a key."""

    def __init__(self, name: str = "witness.example/w1", seed: int = 5) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = WitnessKey(name, self._private.public_key().public_bytes_raw())

    def signs(self, note: str, time: int) -> str:
        signature = time.to_bytes(8, "big") + self._private.sign(signed_message(time, parse(note).text))
        return with_cosignatures(note, [Cosignature(self.key.name, self.key.key_id, signature)])


@pytest.fixture
def compliance(service: Service) -> Client:
    """Five acts, sequenced in two batches, and who may look at them."""
    for number in range(5):
        answer = service.client("intake").post("/patients", PATIENT | {"family_name": f"Testperson{number}"})
        assert answer.status_code == 201, answer.text
        if number in (2, 4):
            service.house.sequence()
    return service.client("compliance")


def origin_key(service: Service) -> VerifierKey:
    signer = service.house.state.sequencer.signer
    return VerifierKey(f"consentry/test/{service.program.key}", signer.public_key)


def test_a_proof_as_text_is_checked_by_itself(service: Service, compliance: Client) -> None:
    entry = service.entries(action="patient.register")[1]
    path = f"/audit/entries/{entry['id']}/proof?format=tlog-proof"
    answer = compliance.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"].endswith(f'"{entry["id"]}.tlog-proof"')
    proof = TlogProof.parse(answer.text)
    assert proof.extra is not None
    assert str(entry["id"]).encode() in proof.extra
    note = proof.verify(proof.extra, origin_key(service), signature_is_right)
    older = TlogProof.parse(compliance.get(f"{path}&size=3").text)
    assert older.verify(proof.extra, origin_key(service), signature_is_right).checkpoint.size == 3
    assert note.checkpoint.size == 5
    last = service.entries(action="patient.register")[4]
    assert compliance.get(f"/audit/entries/{last['id']}/proof?size=3").status_code == 422
    assert compliance.get(f"{path}&size=4").status_code == 404
    assert compliance.get(path.replace("tlog-proof", "pdf")).status_code == 422


def test_tiles_and_bundles_give_the_signed_root(service: Service, compliance: Client) -> None:
    note = parse(compliance.get("/audit/checkpoint").text).checkpoint
    assert note.size == 5
    tile = compliance.get("/audit/tile/0/000.p/5")
    assert tile.headers["Content-Type"] == "application/octet-stream"
    hashes = [tile.content[at : at + 32] for at in range(0, len(tile.content), 32)]
    tree = RunningTree()
    for hashed in hashes:
        tree.append(hashed)
    assert tree.root() == note.root
    bundle = compliance.get("/audit/tile/entries/000.p/5")
    assert [leaf_hash(entry) for entry in unbundle(bundle.content)] == hashes
    assert compliance.get("/audit/tile/0/000.p/2").content == tile.content[:64]
    read = service.entries(id=tile.headers["Audit-Entry"])[0]
    assert (read["action"], read["detail"]) == ("audit.read", {"size": 5, "tile": "0/000.p/5"})
    exported = service.entries(id=bundle.headers["Audit-Entry"])[0]
    assert exported["action"] == "audit.export"
    for missing in (
        "0/000", "0/000.p/6", "0/000.p/0", "1/000.p/1", "0/001.p/1", "entries/000", "0", "0/x000/000", "64/000.p/1",
        "0/000.p/5/", "",
    ):  # fmt: skip
        assert compliance.get(f"/audit/tile/{missing}").status_code == 404, missing
    assert compliance.get("/audit/tile/" + "0/" * 40).status_code in (404, 422)


def test_the_services_tree_shows_hashes_and_no_entries_of_others(
    service: Service, compliance: Client
) -> None:
    note = parse(compliance.get("/audit/checkpoint?tree=service").text).checkpoint
    width = min(note.size, 256)
    path = "000" if width == 256 else f"000.p/{width}"
    assert len(compliance.get(f"/audit/tile/0/{path}?tree=service").content) == 32 * width
    assert compliance.get(f"/audit/tile/entries/{path}?tree=service").status_code == 404


@pytest.mark.parametrize("role", ["intake", "clinician", "administrator"])
def test_nobody_else_is_given_a_tile_or_heard_as_a_witness(
    service: Service, compliance: Client, role: str
) -> None:
    client = service.client(role)
    for path in ("/audit/tile/0/000.p/5", "/audit/tile/entries/000.p/5"):
        assert client.get(path).status_code == 403
    note = compliance.get("/audit/checkpoint").text
    assert client.post("/audit/cosignatures", {"checkpoint": note}).status_code == 403
    denied = [entry["action"] for entry in service.entries(outcome="deny")]
    assert denied == ["audit.read", "audit.export", "ledger.witness"]


def hand_in(compliance: Client, note: str, tree: str = "program") -> Any:
    return compliance.post("/audit/cosignatures", {"checkpoint": note, "tree": tree})


def test_what_a_known_witness_signed_is_served_from_then_on(
    service: Service, compliance: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Witness(), Witness("witness.example/w2", 6)
    monkeypatch.setattr(service.house.state, "witnesses", (one.key, two.key))
    now = int(service.clock.now().timestamp())
    note = compliance.get("/audit/checkpoint").text
    answer = hand_in(compliance, one.signs(note, now))
    assert answer.status_code == 200, answer.text
    assert answer.json()["cosignatures"] == [{"witness": "witness.example/w1", "signed_at": now}]
    assert hand_in(compliance, one.signs(note, now)).json() == answer.json()
    both = hand_in(compliance, two.signs(note, now - 3)).json()
    assert [one["witness"] for one in both["cosignatures"]] == ["witness.example/w1", "witness.example/w2"]
    served = compliance.get("/audit/checkpoint?size=5").text
    assert served == both["checkpoint"]
    assert served.startswith(note)
    assert parse(served).signed_by(origin_key(service), signature_is_right)
    entry = service.entries(action="patient.register")[0]
    proof = compliance.get(f"/audit/entries/{entry['id']}/proof?size=5&format=tlog-proof").text
    assert TlogProof.parse(proof).checkpoint == served
    recorded = service.entries(id=answer.headers["Audit-Entry"])[0]
    assert (recorded["action"], recorded["outcome"]) == ("ledger.witness", "permit")
    assert recorded["detail"] == {"size": 5, "witnesses": ["witness.example/w1"]}
    stranger = open_program(service.house).client("compliance")
    assert hand_in(stranger, one.signs(note, now)).status_code == 422


def test_what_is_not_a_known_witness_on_a_checkpoint_of_ours_is_refused(
    service: Service, compliance: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, unknown = Witness(), Witness("witness.example/unknown", 7)
    monkeypatch.setattr(service.house.state, "witnesses", (one.key,))
    now = int(service.clock.now().timestamp())
    note = compliance.get("/audit/checkpoint").text
    other = parse(note).checkpoint
    forked = sign(type(other)(other.origin, other.size, bytes(32)), service.house.state.sequencer.signer)
    larger = sign(type(other)(other.origin, 2**63 - 1, other.root), service.house.state.sequencer.signer)
    service_note = compliance.get("/audit/checkpoint?tree=service").text
    for wrong in (
        note,
        unknown.signs(note, now),
        one.signs(unknown.signs(note, now), now),
        one.signs(note, now + 3600),
        one.signs(note, now).replace("\n5\n", "\n4\n"),
        one.signs(forked, now),
        one.signs(larger, now),
        one.signs(service_note, now),
        "no note",
    ):
        answer = hand_in(compliance, wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "cosignature_invalid"), wrong
    assert compliance.get("/audit/checkpoint?size=5").text == note
    assert service.entries(action="ledger.witness", outcome="permit") == []
    monkeypatch.setattr(service.house.state, "witnesses", ())
    assert hand_in(compliance, one.signs(note, now)).status_code == 422


def test_a_proof_that_does_not_hold_is_an_incident_and_not_given_out(
    service: Service, compliance: Client
) -> None:
    entries = service.entries(action="patient.register")
    with service.house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(
            "UPDATE audit_leaf SET leaf_hash = %s WHERE tree = %s AND position = 1",
            [bytes(32), service.program_id],
        )
    try:
        answer = compliance.get(f"/audit/entries/{entries[0]['id']}/proof")
        assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
        assert len(service.entries(action="integrity.failed")) == 1
    finally:
        with service.house.superuser() as root:
            root.execute("SET session_replication_role = replica")
            hashed = TlogProof.parse(
                compliance.get(f"/audit/entries/{entries[1]['id']}/proof?format=tlog-proof").text
            ).extra
            assert hashed is not None
            root.execute(
                "UPDATE audit_leaf SET leaf_hash = %s WHERE tree = %s AND position = 1",
                [leaf_hash(hashed), service.program_id],
            )
