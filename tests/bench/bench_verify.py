"""P6: verifying an exported trail offline, against hashlib over the same bytes.

The export is written here (synthetic entries, a signed checkpoint every 500, each of them copied outside), so that no
database is in the way.
Measured in processes of their own, in turn: reading the file and hashing with `hashlib` each entry as a leaf and each
node of the tree above them, which is what no verifier of this format can do without; and the verifier. Its memory is
held against what it takes for a tenth of the entries.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.ledger.checkpoint import Checkpoint, VerifierKey, sign
from service.ledger.entry import leaf_bytes
from service.ledger.merkle import RunningTree, leaf_hash
from tests.bench.harness import Outcome, median, paired
from tests.ledger_entries import TREE, Key, some_entries, stored

ENTRIES = 1_000_000
ROUNDS = 3
EVERY = 500
ORIGIN = "consentry/bench/verify"
#: Times the cost of hashing.
BAR = 3.0
#: Times the memory of a hundredth.
MEMORY_BAR = 1.1

_HASHING = """
import hashlib, json, sys, time
started = time.perf_counter()
sha256, count, digest = hashlib.sha256, 0, b"\\0" * 32
with open(sys.argv[1], "rb", buffering=256 * 1024) as file:
    for line in file:
        if line.startswith(b'{"entry":'):
            digest = sha256(b"\\x01" + digest + sha256(b"\\x00" + line[9:-107]).digest()).digest()
            count += 1
spent = time.perf_counter() - started
memory = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
print(json.dumps({"seconds": spent, "entries": count, "kilobytes": memory, "said": 0}))
"""
_VERIFYING = """
import json, sys, time
from pathlib import Path
from service.ledger.offline.verifying import verify_export
said = []
started = time.perf_counter()
outcome = verify_export(
    Path(sys.argv[1]), vkey=sys.argv[2], copies=Path(sys.argv[1] + ".notes"), progress=said.append
)
spent = time.perf_counter() - started
memory = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
assert not outcome.wrong, outcome.findings
print(json.dumps({"seconds": spent, "entries": outcome.entries, "kilobytes": memory, "said": len(said)}))
"""


def _leaves(count: int) -> Iterator[bytes]:
    """Entries in ascending order of time, each with an id of its own; made from some that differ in every column."""
    known = [leaf_bytes(stored(entry, bytes(32), n)) for n, entry in enumerate(some_entries(1_000, TREE))]
    parts = [_around(leaf) for leaf in known]
    for number in range(count):
        head, between, rest = parts[number % len(parts)]
        identity = b"%08x-0000-7000-8000-%012x" % (number >> 16, number)
        clock = b"%02d:%02d:%02d.%06d" % (
            number // 360_000, number // 6_000 % 60, number // 100 % 60, number % 100,
        )  # fmt: skip
        yield b'%b"id":"%b"%b"recorded_at":"2026-02-16T%bZ"%b' % (head, identity, between, clock, rest)


def _around(leaf: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and behind `id` and `recorded_at`."""
    head, _, rest = leaf.partition(b'"id":"')
    between, _, tail = rest.partition(b'"recorded_at":"')
    return head, between[37:], tail[28:]


def _write(path: Path, count: int) -> None:
    tree, signer = RunningTree(), Key()
    with path.open("wb") as file, path.with_name(f"{path.name}.notes").open("w") as copies:
        header = {"consentry_ledger_export": 1, "origin": ORIGIN, "tree": str(TREE)}
        file.write(json.dumps(header, separators=(",", ":")).encode() + b"\n")
        for position, leaf in enumerate(_leaves(count)):
            hashed = leaf_hash(leaf)
            tree.append(hashed)
            file.write(
                b'{"entry":%b,"leaf_hash":"%b","position":%d}\n' % (leaf, hashed.hex().encode(), position)
            )
            if (position + 1) % EVERY == 0 or position + 1 == count:
                note = sign(Checkpoint(ORIGIN, position + 1, tree.root()), signer)
                line = json.dumps({"checkpoint": note}, separators=(",", ":"), ensure_ascii=False)
                file.write(line.encode() + b"\n")
                copies.write(f"{note}\n")


def _measured(code: str, path: Path, count: int) -> Mapping[str, Any]:
    key = str(VerifierKey(ORIGIN, Key().public_key))
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), key], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    if found["entries"] != count:
        raise RuntimeError("the bench measured something else")
    return found


def run(entries: int = ENTRIES) -> Outcome:
    """Write both exports, measure in turn, hold time and memory against the bars."""
    outcome = Outcome(
        "P6", f"verifying {entries:,} entries offline", ("what", "seconds", "us/entry", "MiB", "ratio", "bar")
    )
    with tempfile.TemporaryDirectory() as temporary:
        whole, part = Path(temporary) / "whole.ndjson", Path(temporary) / "part.ndjson"
        _write(whole, entries)
        _write(part, entries // 100)
        small = _measured(_VERIFYING, part, entries // 100)
        hashing: list[Mapping[str, Any]] = []
        verifying: list[Mapping[str, Any]] = []
        for _ in range(ROUNDS):
            hashing.append(_measured(_HASHING, whole, entries))
            verifying.append(_measured(_VERIFYING, whole, entries))
    taken = {"hashlib": hashing, "verify": verifying}
    seconds = {name: [one["seconds"] for one in rounds] for name, rounds in taken.items()}
    ratio = paired(seconds["verify"], seconds["hashlib"])
    memory = max(one["kilobytes"] for one in verifying) / small["kilobytes"]
    for name, rounds in taken.items():
        spent = median(seconds[name])
        mebibytes = max(one["kilobytes"] for one in rounds) / 1024
        said = (f"{ratio:.2f}", f"<= {BAR} x") if name == "verify" else ("", "")
        outcome.rows.append([name, f"{spent:.2f}", f"{spent / entries * 1e6:.2f}", f"{mebibytes:.0f}", *said])
    outcome.rows.append(["memory against a hundredth", "", "", "", f"{memory:.2f}", f"<= {MEMORY_BAR} x"])
    outcome.figures.append({"entries": entries, "seconds": seconds, "ratio": ratio, "memory": memory})
    if ratio > BAR:
        outcome.missed.append(f"P6: {ratio:.2f} x the time of hashing, bar {BAR} x")
    if memory > MEMORY_BAR:
        outcome.missed.append(f"P6: {memory:.2f} x the memory of a hundredth, bar {MEMORY_BAR} x")
    if not all(one["said"] for one in verifying):
        outcome.missed.append("P6: no progress was shown")
    return outcome
