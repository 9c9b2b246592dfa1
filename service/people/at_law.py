"""The patient as the law asks: alive, of age, able to decide, and since when (42 CFR 2.11, 2.14, 2.15)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PatientAtLaw:
    """What decides who may sign, and which bases exist at all. `age` None: the birth date is not known."""

    id: UUID
    age: int | None = None
    #: Under the age of majority of the program's state and not emancipated; None when the age is not known.
    minor: bool | None = None
    emancipated: bool = False
    deceased_on: date | None = None
    #: A court has found that the patient cannot decide, and has not taken it back (2.15(a)(1)).
    adjudicated: bool = False
    #: Declined fundraising (45 CFR 164.514(f)(2)).
    fundraising_opt_out: bool = False
