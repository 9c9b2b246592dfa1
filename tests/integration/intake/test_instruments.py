"""Instruments over HTTP: everything a page needs to ask, and nothing that is not free to show."""

from tests.house import Service


def test_instruments_say_everything_a_form_needs(service: Service) -> None:
    client = service.client("clinician", purpose=None)
    listed = {one["key"]: one for one in client.get("/instruments").json()["items"]}
    assert len(listed) == 17
    assert all(client.get(f"/instruments/{key}").json() == listed[key] for key in ("bam", "c-ssrs", "pcl-5"))

    licensed = listed["c-ssrs"]["wording"]
    assert (licensed["state"], licensed["checked"]) == ("paper_form", False)
    assert "Research Foundation" in licensed["holder"]
    assert licensed["note"] == "Use your licensed paper form; enter the values."
    assert listed["cows"]["wording"]["holder"] is None
    assert (listed["cows"]["answered_by"], listed["phq-9"]["answered_by"]) == ("clinician", "patient")
    assert [option["value"] for option in listed["cows"]["items"][2]["options"]] == [0, 1, 3, 5]
    assert listed["cows"]["items"][0]["measured_by"] == "pulse_bpm"

    problems = listed["ahc-hrsn"]["items"][1]
    assert problems["multiple"]
    assert [option["value"] for option in problems["options"] if option["exclusive"]] == ["none"]
    assert problems["declined"] == "answer"
    assert listed["ahc-hrsn"]["items"][6]["section"] == (
        "Safety. Because violence and abuse happens to a lot of people and affects their health we are asking the "
        "following questions."
    )

    reversed_item = listed["dast-10"]["items"][2]["options"]
    assert [(option["value"], option["points"]) for option in reversed_item] == [(0, 1), (1, 0)]

    bam = listed["bam"]
    assert [(one["key"], one["method"], len(one["items"])) for one in bam["subscales"]] == [
        ("use", "sum", 3),
        ("risk", "sum", 6),
        ("protective", "sum", 6),
    ]
    assert bam["bands"] == bam["band_sets"] == []
    assert (bam["context"][0]["key"], bam["context"][0]["separates"]) == ("form", True)
    weekly = bam["items"][1]["variants"][0]
    assert weekly["when"] == {"context": "form", "is": ["7-day"]}
    assert "7 days" in weekly["text"]

    by_sex = listed["audit-c"]["band_sets"]
    assert [one["when"] for one in by_sex] == [{"context": "sex", "is": ["male"]}, None]
    assert [one["bands"][1]["first"] for one in by_sex] == [4, 3]
    assert listed["audit-c"]["bands"] == by_sex[1]["bands"]
    assert listed["audit"]["items"][3]["asked_when"]["any_of"] == ["audit.2", "audit.3"]

    assert listed["pcl-5"]["settings"] == {"cutoff": 31}
    assert listed["pcl-5"]["change"]["reliable"] == 5
    assert listed["gad-7"]["change"] is None
    assert all(one["source"] and one["scoring_source"] and one["licence"]["text"] for one in listed.values())
