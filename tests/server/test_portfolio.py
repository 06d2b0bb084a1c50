"""The portfolio's routes over a real trail: another day gives other figures, a page is a page, and a wrong day is a sentence."""

import json

import pytest
from tornado.httpclient import HTTPClientError

from tests.monitoring.two_springs import HOSTILE, MODELS, told


@pytest.fixture
def house(jp_root_dir):
    told(jp_root_dir)
    return jp_root_dir


@pytest.fixture
def ask(jp_fetch):
    async def asked(route="portfolio", **query):
        return json.loads((await jp_fetch("mlgov", "api", *route.split("/"), params=query)).body)

    return asked


def figure(found, name):
    return next(one for one in found["figures"] if one["id"] == name)


async def test_figures_reviews_and_findings_are_those_of_the_day_that_is_asked_for(ask, house):
    march, may, now = await ask(as_of="2024-03-04"), await ask(as_of="2024-05-06"), await ask()
    assert (march["moment"][:10], march["as_of"], now["as_of"]) == ("2024-03-04", "2024-03-04", "")
    assert [one["n"] for one in (figure(march, "rollback-success"), figure(may, "rollback-success"))] == [0, 1]
    assert figure(march, "rollback-success")["value"] is None
    assert figure(may, "rollback-success")["value"] == 1.0
    assert [figure(one, "deployment-success")["good"] for one in (march, may)] == [2, 1]
    assert figure(may, "review-hours")["value"] == 63 * 24
    assert [(one["model"], one["stage"], one["hours"]) for one in march["reviews"]] == [
        ("model-001", "production", pytest.approx(60, abs=0.1))
    ]
    assert (may["reviews"], may["reviews_in_all"]) == ([], 0)
    assert (march["findings_in_all"], may["findings_in_all"], may["overdue"], now["overdue"]) == (0, 1, 0, 1)
    assert now["findings"][0]["what"] == f"drift of {HOSTILE}"
    assert (march["models"], may["models"], march["validated"]) == (MODELS, MODELS + 1, MODELS)
    assert march["entries"] < may["entries"] == now["entries"]


async def test_what_comes_into_force_is_counted_from_the_day_that_is_asked_for(ask, house):
    march, now = await ask(as_of="2024-03-04"), await ask()
    assert march["coming"]
    assert all(one["date"] > "2024-03-04" for one in march["coming"])
    assert {one["date"] for one in now["coming"]} < {one["date"] for one in march["coming"]}
    assert all(one["unjudged"] == MODELS for one in march["coming"])


async def test_the_models_to_look_at_first_are_the_gravest_with_the_oldest_evidence_and_few(ask, house):
    found = await ask(as_of="2024-05-06")
    assert len(found["first"]) == 10 < found["models"]
    assert {one["tier"] for one in found["first"]} == {1}
    assert {(one["days"], one["score"]) for one in found["first"]} == {(63.5, 190.5)}
    assert "Weight of the tier" in found["rule"]


async def test_a_page_holds_the_models_of_that_day_and_no_more_than_it_was_asked_for(ask, house):
    page = await ask("portfolio/models", as_of="2024-03-04", sort="model", offset="50", limit="7")
    assert [one["model"] for one in page["rows"]] == [f"model-{number:03}" for number in range(50, 57)]
    assert page["models"] == MODELS
    one = await ask("portfolio/models", words="onerror")
    assert [(row["model"], row["tier"], row["declared"], row["verdict"], row["findings"]) for row in one["rows"]] == [
        (HOSTILE, 2, True, "", None)
    ]
    then = await ask("portfolio/models", words="model-000", as_of="2024-03-04")
    now = await ask("portfolio/models", words="model-000")
    assert [then["rows"][0]["version"], now["rows"][0]["version"]] == ["2", "1"]
    assert (await ask("portfolio/models", words="onerror", as_of="2024-03-04"))["models"] == 0


@pytest.mark.parametrize("route", ["portfolio", "portfolio/models"])
@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("soon", "'soon' is no date."),
        ("2024-02-30", "'2024-02-30' is no date."),
        ("2024-03-04T12:00", "'2024-03-04T12:00' says no zone."),
        ("9999-12-31", "9999-12-31T23:59 has not come yet."),
        ("0001-01-01T00:00+23:59", "'0001-01-01T00:00+23:59' is no date."),
        ("<script>alert(1)</script>", "'<script>alert(1)</script>' is no date."),
    ],
)
async def test_a_wrong_day_is_refused_in_a_sentence(jp_fetch, house, route, day, said):
    with pytest.raises(HTTPClientError) as refusal:
        await jp_fetch("mlgov", "api", *route.split("/"), params={"as_of": day})
    body = json.loads(refusal.value.response.body)
    assert (refusal.value.code, body["message"]) == (422, said)
    assert body["expected"].startswith("Expected ")


async def test_a_day_before_the_trail_shows_no_model_and_no_figure(ask, house):
    found = await ask(as_of="2020-01-01")
    assert (found["entries"], found["models"], found["first"]) == (0, 0, [])
    assert {one["value"] for one in found["figures"]} == {None}
    assert (await ask("portfolio/models", as_of="2020-01-01"))["rows"] == []
