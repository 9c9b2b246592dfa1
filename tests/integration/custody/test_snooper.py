"""A snooper in a crowd of ordinary work: everything they did wrong is found, and next to nothing of what others did."""

from datetime import UTC, datetime, timedelta
from random import Random

from tests.house import Account, Service
from tests.integration.custody.watchfulness import Watchfulness

STAFF, PATIENTS, DAYS = 8, 24, 3
#: Of what is found, at least this part is about the snooper.
PRECISION = 0.9


def ordinary(watch: Watchfulness, staff: list[Account], patients: list[str], begin: datetime) -> int:
    """Days of work: everybody reads the charts of their own patients in working hours and does something for most; now
    and then a call is refused by mistake. How many accesses that were.
    """
    chance, reads = Random(20261124), 0
    for number, who in enumerate(staff):
        own = patients[number * 3 : number * 3 + 3]
        for patient_id in own:
            watch.service.relate(who, patient_id)
        for day in range(DAYS):
            for place, patient_id in enumerate(own * 2):
                at = begin + timedelta(days=day, minutes=45 * place + chance.randrange(30))
                watch.entry(who, "record.read", patient_id, at=at)
                reads += 1
                if chance.random() < 0.7:
                    watch.entry(who, "item.write", patient_id, at=at + timedelta(minutes=9))
            if chance.random() < 0.5:
                watch.entry(who, "patient.read", outcome="deny", at=begin + timedelta(days=day))
    return reads


def test_a_snooper_in_a_crowd_is_found_and_the_crowd_is_left_alone(service: Service) -> None:
    begin = datetime(2026, 6, 2, 14, 0, tzinfo=UTC)  # a Tuesday, ten in the morning in New York
    service.clock.set(begin)
    watch = Watchfulness(service)
    staff = [service.account("clinician", name=f"clinician {number}") for number in range(STAFF)]
    patients = [watch.patient(f"Person{'abcdefghijklmnopqrstuvwx'[number]}") for number in range(PATIENTS)]
    snooper, famous = service.account("intake", name="snooper"), patients[0]
    body = {"kind": "vip", "reason": "In the public eye."}
    assert watch.compliance.post(f"/patients/{famous}/watches", body).status_code == 201
    service.clock.set(begin)
    reads = ordinary(watch, staff, patients, begin)
    night = datetime(2026, 6, 4, 3, 0, tzinfo=UTC)  # eleven in the evening
    for number, patient_id in enumerate(patients[:9]):
        watch.entry(snooper, "patient.read", patient_id, at=night + timedelta(minutes=5 * number))
    for number in range(6):
        at = night + timedelta(hours=1, minutes=number)
        watch.entry(snooper, "record.read", patients[20], at=at, outcome="deny")
    watch.look()
    service.clock.set(begin + timedelta(days=14))
    watch.look()
    watch.look_later()
    found = watch.findings(limit="100")
    hits = [one for one in found if one["account_id"] == str(snooper.id)]
    rules = {one["finding"]["rule"] for one in hits}
    assert rules == {"denials_in_a_row", "many_charts_off_hours", "no_care_around_it", "watched_patient"}
    uncared = {one["patient_id"] for one in hits if one["finding"]["rule"] == "no_care_around_it"}
    assert uncared == set(patients[:9])
    precision = len(hits) / len(found)
    print(f"{len(hits)} of {len(found)} findings are about the snooper; {reads} ordinary accesses")
    assert precision >= PRECISION
