"""P4: sealing and opening one value, against the bare cipher with its key object built once.

The bare side encrypts the same bytes under a fresh random nonce with associated data of the same length, and decrypts
them: what no sealing can do without. The vault's side makes and opens the envelope of the same bytes, bound to its place
(bars). What JSON and the row's context cost on top is shown beside it, without a bar: text has to become bytes anyhow.
Both sides run in turn, in rounds; the medians of rounds count.
"""

import os
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.vault.envelope import RowKey, SealedTable, open_bytes, open_row, seal_bytes, seal_row
from service.vault.keys import DataKey, new_key_id, new_secret
from tests.bench.harness import Outcome, median

SIZES: Mapping[str, int] = {"32 B": 32, "1 KiB": 1_024, "16 KiB": 16_384}
#: Of the bare cipher's operations a second.
BARS: Mapping[str, float] = {"32 B": 0.6, "16 KiB": 0.9}
ROUNDS = 41
SECONDS_A_ROUND = 0.02

_TABLE = SealedTable("record_item", ("content",))
_ROW = RowKey(UUID(int=1), UUID(int=2), 3, UUID(int=4))
_AAD = os.urandom(138)


def _per_second(act: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        act()
    return times / (time.perf_counter() - started)


def _sides(size: int) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """By operation: (bare, vault)."""
    key = DataKey(new_key_id(), new_secret())
    cipher, text = AESGCM(key.secret), "x" * (size - 2)  # and two quotation marks: as many bytes sealed
    plain, nonce = text.encode() + b"..", os.urandom(12)
    bare, sealed = cipher.encrypt(nonce, plain, _AAD), seal_row(key, _TABLE, _ROW, {"content": text})
    keys, value, place = {key.id: key}, {"content": text}, _AAD[30:]
    envelope = seal_bytes(key, place, plain)

    def encrypt() -> bytes:
        return cipher.encrypt(os.urandom(12), plain, _AAD)

    def decrypt() -> bytes:
        return cipher.decrypt(nonce, bare, _AAD)

    return {
        "seal": (encrypt, lambda: seal_bytes(key, place, plain)),
        "open": (decrypt, lambda: open_bytes(keys, place, envelope)),
        "seal as JSON": (encrypt, lambda: seal_row(key, _TABLE, _ROW, value)),
        "open as JSON": (decrypt, lambda: open_row(keys, _TABLE, _ROW, sealed)),
    }


def run(rounds: int = ROUNDS) -> Outcome:
    """Measure both sides in turn and hold their ratio against the bars."""
    outcome = Outcome(
        "P4", "one value sealed and opened", ("size", "", "bare /s", "vault /s", "ratio", "bar")
    )
    for name, size in SIZES.items():
        for operation, (bare, vault) in _sides(size).items():
            times = max(20, int(_per_second(bare, 2_000) * SECONDS_A_ROUND))
            pairs = [(_per_second(bare, times), _per_second(vault, times)) for _ in range(rounds)]
            ratio = median([ours / theirs for theirs, ours in pairs])
            ours, theirs = median([pair[1] for pair in pairs]), median([pair[0] for pair in pairs])
            bar = None if "JSON" in operation else BARS.get(name)
            outcome.rows.append(
                [
                    name,
                    operation,
                    f"{theirs:,.0f}",
                    f"{ours:,.0f}",
                    f"{ratio:.2f}",
                    f">= {bar}" if bar else "",
                ]
            )
            outcome.figures.append({"size": size, "operation": operation, "pairs": pairs, "ratio": ratio})
            if bar and ratio < bar:
                outcome.missed.append(f"P4 {operation} {name}: {ratio:.2f} x, bar {bar} x")
    return outcome
