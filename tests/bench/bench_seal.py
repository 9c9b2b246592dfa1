"""P4: sealing and opening one value, against the bare cipher with its key object built once.

Two bare sides. The *call*: `encrypt` under a fresh random nonce and `decrypt`, the same bytes, associated data of the
same length, nonce and ciphertext lying ready apart; what it encrypts could not be opened again, for the nonce is
nowhere. The same *kept*: nonce and ciphertext put into one value and taken from it, the least that can be stored. The
vault's side makes and opens the envelope, bound to its place. The bars hold for both at 32 B and, at 16 KiB, for what
is kept: against the call alone 0.9 is out of reach there (docs/decisions/0013-what-a-seal-costs.md). What JSON and the
row's context cost on top is shown without a bar: text has to become bytes anyhow.

All sides run in turn, in rounds, by the clock of this thread's processor time: nothing here waits for anything, and
what others do on the machine is not measured. The median of the ratios within each round counts.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.vault.envelope import RowKey, SealedTable, open_bytes, open_row, seal_bytes, seal_row
from service.vault.keys import DataKey, new_key_id, new_secret
from tests.bench.harness import Outcome, median, paired

SIZES: Mapping[str, int] = {"32 B": 32, "1 KiB": 1_024, "16 KiB": 16_384}
#: Of the bare cipher's operations a second, by size and side.
BARS: Mapping[str, Mapping[str, float]] = {"32 B": {"call": 0.6, "kept": 0.6}, "16 KiB": {"kept": 0.9}}
ROUNDS = 41
SECONDS_A_ROUND = 0.02

_TABLE = SealedTable("record_item", ("content",))
_ROW = RowKey(UUID(int=1), UUID(int=2), 3, UUID(int=4))
_AAD = os.urandom(138)

Side = Callable[[], object]


@dataclass(frozen=True)
class _Sides:
    call: Side
    kept: Side
    vault: Side
    bar: bool = True


def _per_second(act: Side, times: int) -> float:
    started = time.thread_time()
    for _ in range(times):
        act()
    return times / (time.thread_time() - started)


def _sides(size: int) -> dict[str, _Sides]:
    """By operation."""
    key = DataKey(new_key_id(), new_secret())
    cipher, text = AESGCM(key.secret), "x" * (size - 2)  # and two quotation marks: as many bytes sealed
    plain, nonce = text.encode() + b"..", os.urandom(12)
    bare, sealed = cipher.encrypt(nonce, plain, _AAD), seal_row(key, _TABLE, _ROW, {"content": text})
    keys, value, place = {key.start: key}, {"content": text}, _AAD[30:]
    envelope, stored = seal_bytes(key, place, plain), nonce + bare

    def encrypt() -> bytes:
        return cipher.encrypt(os.urandom(12), plain, _AAD)

    def encrypt_kept() -> bytes:
        fresh = os.urandom(12)
        return fresh + cipher.encrypt(fresh, plain, _AAD)

    def decrypt() -> bytes:
        return cipher.decrypt(nonce, bare, _AAD)

    def decrypt_kept() -> bytes:
        return cipher.decrypt(stored[:12], stored[12:], _AAD)

    return {
        "seal": _Sides(encrypt, encrypt_kept, lambda: seal_bytes(key, place, plain)),
        "open": _Sides(decrypt, decrypt_kept, lambda: open_bytes(keys, place, envelope)),
        "seal as JSON": _Sides(encrypt, encrypt_kept, lambda: seal_row(key, _TABLE, _ROW, value), bar=False),
        "open as JSON": _Sides(
            decrypt, decrypt_kept, lambda: open_row(keys, _TABLE, _ROW, sealed), bar=False
        ),
    }


def run(rounds: int = ROUNDS) -> Outcome:
    """Measure all sides in turn and hold the ratios against the bars."""
    columns = ("size", "", "call /s", "vault /s", "of the call", "of it kept", "bars")
    outcome = Outcome("P4", "one value sealed and opened", columns)
    for name, size in SIZES.items():
        for operation, sides in _sides(size).items():
            times = max(20, int(_per_second(sides.call, 2_000) * SECONDS_A_ROUND))
            every = (sides.call, sides.kept, sides.vault)
            measured = [tuple(_per_second(side, times) for side in every) for _ in range(rounds)]
            call, kept, vault = ([one[side] for one in measured] for side in range(3))
            ratios = {"call": paired(vault, call), "kept": paired(vault, kept)}
            bars: Mapping[str, float] = BARS.get(name, {}) if sides.bar else {}
            outcome.rows.append(
                [
                    name,
                    operation,
                    f"{median(call):,.0f}",
                    f"{median(vault):,.0f}",
                    *(f"{ratio:.2f}" for ratio in ratios.values()),
                    ", ".join(f"{side} >= {bar}" for side, bar in bars.items()),
                ]
            )
            outcome.figures.append({"size": size, "operation": operation, "rounds": measured, **ratios})
            outcome.missed += [
                f"P4 {operation} {name}: {ratios[side]:.2f} x of the bare cipher ({side}), bar {bar} x"
                for side, bar in bars.items()
                if ratios[side] < bar
            ]
    return outcome
