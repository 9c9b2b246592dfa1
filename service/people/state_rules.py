"""What state law adds to who signs (42 CFR 2.14, 2.31(a)(8)): data with dates and sources, read strictly.

Part 2 leaves to the states at which age somebody is an adult, from which age a minor may obtain treatment for
substance use alone, and whether a signature may be electronic. The rows are `policies/state_rules.yaml`; a state or a
day without a row is not "no rule" but "not known": the stricter reading then applies, and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import StartRefused

#: The service whose rows decide about consents here.
SUD_OUTPATIENT: Final = "sud_outpatient"

#: Where nothing is known: the age in nearly every state. Conf: policy.
USUAL_MAJORITY: Final = 18


class StateRule(BaseModel):
    """One state, one service, from one day on.

    `minor_may_self_consent_from` null: no age at which a minor obtains this service alone; a parent consents too.
    `electronic_signature` barred: signatures on paper only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: str = Field(pattern=r"^[A-Z]{2}$")
    service: str
    age_of_majority: int = Field(ge=16, le=21)
    minor_may_self_consent_from: int | None = Field(ge=10, le=20)
    parental_consent_required: bool
    electronic_signature: Literal["allowed", "barred"] = "allowed"
    effective_from: date
    source: str = Field(min_length=3)
    conf: Literal["law", "policy", "unsure"]
    note: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[StateRule]


@dataclass(frozen=True, slots=True)
class StateRules:
    """All rows, newest first within a state and service."""

    rows: Mapping[tuple[str, str], tuple[StateRule, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[StateRule, ...]]
    )

    def on(self, state: str, day: date, service: str = SUD_OUTPATIENT) -> StateRule | None:
        """The row in force on that day; None when the law of the state is not known here."""
        rows = self.rows.get((state, service), ())
        return next((row for row in rows if row.effective_from <= day), None)


def read_state_rules(document: str) -> StateRules:
    """The table of one YAML document; StartRefused names what is wrong with it."""
    try:
        loaded: Any = yaml.safe_load(document)
        file = _File.model_validate(loaded)
    except yaml.YAMLError as error:
        raise StartRefused("state_rules.yaml cannot be read") from error
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors())
        raise StartRefused(f"state_rules.yaml is not as it should be at: {places}") from error
    rows: dict[tuple[str, str], tuple[StateRule, ...]] = {}
    for row in sorted(file.rules, key=lambda r: r.effective_from, reverse=True):
        key = (row.state, row.service)
        if any(other.effective_from == row.effective_from for other in rows.get(key, ())):
            raise StartRefused(f"state_rules.yaml has two rows for {row.state} of the same day")
        rows[key] = (*rows.get(key, ()), row)
    return StateRules(rows)


def may_sign_alone(rule: StateRule | None, age: int) -> bool:
    """A minor of this age obtains treatment for substance use alone, and therefore consents alone (2.14(a))."""
    if rule is None or rule.parental_consent_required or rule.minor_may_self_consent_from is None:
        return False
    return age >= rule.minor_may_self_consent_from
