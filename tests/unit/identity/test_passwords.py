"""What may be a password, that every character counts, and what is kept of it."""

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.identity import passwords

GOOD = "seven quiet herons over slate"


def codes(password: str, *context: str) -> list[str]:
    return [fault.code for fault in passwords.faults(password, context)]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (14, ["password_too_short"]),
        (15, []),
        (64, []),
        (128, []),
        (1000, []),
        (1024, []),
        (1025, ["password_too_long"]),
    ],
)
def test_length_limits(length: int, expected: list[str]) -> None:
    text = "vgm pzk dcl wbx rhs tfn yjq " * 40
    assert codes(text[:length]) == expected


def test_no_composition_is_asked_for() -> None:
    assert codes("herons over slate") == []
    assert codes("\u6d77\u9e25 \u5728\u77f3\u677f\u4e0a\u98de\u8fc7 \u4e03\u53ea \u5b89\u9759\u7684") == []


@pytest.mark.parametrize(
    "guessable",
    [
        "consentryconsentry",
        "Consentry-Consentry-2026",
        "C0nsentry!C0nsentry!",
        "passwordpassword",
        "P@ssw0rdP@ssw0rd1!",
        "Password123456789",
        "123456789012345",
        "abcdefghijklmnop",
        "qwertyuiopasdfghjkl",
        "poiuytrewqlkjhgfdsa",
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "correct horse battery staple",
        "letmeinletmeinletmein",
        "iloveyouiloveyou1234",
        "jane.testperson.2026",
        "TestpersonJane12345",
        "welcome-to-the-clinic",
    ],
)
def test_guessable_passwords_are_refused(guessable: str) -> None:
    assert codes(guessable, "jane.testperson") == ["password_guessable"]


def test_a_fault_cites_its_rule_and_never_the_password() -> None:
    for bad in ("short", "consentryconsentry", "x\0" * 10):
        for fault in passwords.faults(bad):
            assert fault.field == "password"
            assert fault.citation and "800-63B-4" in fault.citation
            assert bad not in fault.message


@pytest.mark.parametrize("bad", ["a" * 10 + "\0" + GOOD, GOOD + "\n", "\x1b" + GOOD, GOOD + "\ud800"])
def test_what_cannot_be_typed_is_refused(bad: str) -> None:
    assert "password_not_typeable" in codes(bad)


@pytest.mark.parametrize(
    "hostile", ["a" * 1023 + "b", "ab" * 512, "abc" * 341 + "d", "aab" * 341, "1qaz" * 256]
)
def test_no_password_takes_long_to_judge(hostile: str) -> None:
    started = time.perf_counter()
    passwords.faults(hostile)
    assert time.perf_counter() - started < 1.0


@given(st.text(max_size=1100))
@settings(max_examples=60, deadline=None)
def test_any_text_can_be_judged(text: str) -> None:
    assert isinstance(passwords.faults(text), tuple)


def test_only_argon2id_with_the_chosen_cost_is_kept() -> None:
    kept = passwords.hash_password(GOOD)
    assert re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]+\$[^$]+", kept)
    assert kept != passwords.hash_password(GOOD), "each hash has its own salt"


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        (GOOD, GOOD + " "),
        (GOOD, GOOD.upper()),
        ("x" * 72 + "first", "x" * 72 + "other"),
        ("x" * 1000 + "a", "x" * 1000 + "b"),
        (GOOD + "\0a", GOOD + "\0b"),
        (GOOD, ""),
    ],
    ids=["trailing space", "case", "after byte 72", "after 1,000", "after NUL", "empty"],
)
def test_every_character_is_significant(kept: str, typed: str) -> None:
    assert not passwords.matches(passwords.hash_password(kept), typed)


def test_the_two_ways_to_type_an_accent_are_one_password() -> None:
    text = "gr\u00fcne Reiher \u00fcber dem Schiefer"
    kept = passwords.hash_password(text)
    assert passwords.matches(kept, unicodedata.normalize("NFD", text))
    assert passwords.matches(kept, text)


def test_compatibility_forms_are_different_passwords() -> None:
    assert not passwords.matches(
        passwords.hash_password("\ufb01fteen herons over slate"), "fifteen herons over slate"
    )


@pytest.mark.parametrize(
    "damaged", ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$x$y", "$2b$12$abcdefghijklmnopqrstuv"]
)
def test_a_damaged_hash_matches_nothing(damaged: str) -> None:
    assert not passwords.matches(damaged, GOOD)


def test_a_lone_surrogate_matches_nothing() -> None:
    assert not passwords.matches(passwords.hash_password(GOOD), GOOD + "\ud800")


def test_the_hash_of_nobody_costs_as_much_as_a_real_one() -> None:
    real, nobody = passwords.hash_password(GOOD), passwords.nobodys_hash()
    assert real.split("$")[:4] == nobody.split("$")[:4]
    assert not passwords.matches(nobody, GOOD)


def test_secrets_of_clients_hold_256_bits() -> None:
    drawn = {passwords.new_secret() for _ in range(200)}
    assert len(drawn) == 200
    assert all(len(secret) == 43 for secret in drawn)
