"""What an episode's deadlines and forms depend on: where, who pays, who accredits, which track."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Profile:
    """`state` is the program's, two letters; `payer` is a payer class ("" when nobody has said); `accreditor`:
    joint_commission | carf | none; `track`: sud | mh | co_occurring, or "".
    """

    state: str = ""
    payer: str = ""
    accreditor: str = "none"
    track: str = ""
    #: The site is closed on these days, beside weekends.
    closed_days: frozenset[date] = frozenset()

    def value_of(self, field: str) -> str:
        """The value of one field by its name; KeyError for a field a profile does not have."""
        return {
            "state": self.state,
            "payer": self.payer,
            "accreditor": self.accreditor,
            "track": self.track,
        }[field]


FIELDS = ("state", "payer", "accreditor", "track")
