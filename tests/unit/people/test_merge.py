"""What speaks against two charts being one person's, and has to be confirmed."""

from typing import Any

import pytest

from service.people.merging.merge import Difference, differences, unconfirmed

ANA: dict[str, Any] = {"given_name": "Ana", "family_name": "Testperson", "birth_date": "1990-04-05"}


def numbered(*pairs: tuple[str, str]) -> dict[str, Any]:
    return ANA | {"identifiers": [{"system": system, "value": value} for system, value in pairs]}


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (ANA, ANA, set[Difference]()),
        (ANA, ANA | {"family_name": "Other", "phone": "555 0100"}, set[Difference]()),
        (ANA, ANA | {"birth_date": "1990-05-04"}, {Difference.BIRTH_DATE}),
        (numbered(("mrn", "1")), numbered(("MRN ", "2")), {Difference.IDENTIFIERS}),
        (numbered(("mrn", "T-1")), numbered(("mrn", "t1"), ("mrn", "2")), set[Difference]()),
        (numbered(("mrn", "1")), numbered(("medicaid", "2")), set[Difference]()),
        (numbered(("mrn", "1")), ANA, set[Difference]()),
    ],
)
def test_what_one_person_has_only_once(
    left: dict[str, Any], right: dict[str, Any], found: set[Difference]
) -> None:
    for one, other in ((left, right), (right, left)):
        assert differences(one, other, absorbed_in_care=False) == found
        assert differences(one, other, absorbed_in_care=True) == found | {Difference.OPEN_EPISODES}


def test_each_difference_is_confirmed_with_a_reason_of_its_own() -> None:
    every = set(Difference)
    assert [fault.code for fault in unconfirmed(every, {})] == [one.value for one in Difference]
    some = {Difference.BIRTH_DATE: "a slip of the pen", Difference.IDENTIFIERS: "  "}
    assert [fault.code for fault in unconfirmed(every, some)] == ["identifiers", "open_episodes"]
    assert unconfirmed([Difference.BIRTH_DATE], some) == ()
