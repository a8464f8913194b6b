"""A plan as people and tools read it: the verdict first, neither too much nor too little, and never beyond a limit."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from gateway_doubles import NOW, replaced, state_of
from plant_doubles import BULK, GRANT3, MES3, ORDERS, STANDARD, V1, plan, plant, usage

from gateway_policies.model import Consumer, Lifecycle, Resource, Scope, Severity
from gateway_policies.places import Place
from gateway_policies.planning.model import Guard, Plan
from gateway_policies.planning.undoing import inverse
from gateway_policies.references import Names
from gateway_policies.rendering.plan_findings import RULES, plan_findings
from gateway_policies.rendering.plan_markdown import LIMIT, plan_markdown
from gateway_policies.rendering.plan_text import SHOWN, Tone, plan_lines
from gateway_policies.rendering.sarif import render_sarif


class Somewhere:
    """Places as they would be."""

    def of(self, address: str, field: str | None = None) -> Place | None:
        return Place(f"{address.partition('.')[0]}s.toml", 12 if field else 7, 1)


def busy() -> Plan:
    """A plan with something of everything."""
    live = plant() | {"consumer.hand": Consumer(name="hand", owner="somebody")}
    live[STANDARD] = replaced(live[STANDARD], burst=200)
    live[BULK] = replaced(live[BULK], requests=9000)
    files = Names({"consumer.mes-p01": "consumer.mes-plant-1"}).in_all(plant())
    files["consumer.hand"] = Consumer(name="hand", owner="plant-it")
    files[V1] = replaced(files[V1], lifecycle=Lifecycle.RETIRED)
    files[BULK] = replaced(files[BULK], requests=3000)
    files["scope.stock"] = Scope(name="stock")
    del files[GRANT3]
    return plan(
        files,
        state_of(live, owned=list(plant()), applied=plant()),
        usage=usage(),
        places=Somewhere(),
        environment="test",
    )


def text(found: Plan, **more: object) -> str:
    return "\n".join(each.text for each in plan_lines(found, **more))  # type: ignore[arg-type]


EXPECTED = """\
1 to add, 3 to change, 1 to remove, 1 to rename, 1 to adopt; 2 drifted; 1 in conflict; a second person has to approve; \
blocked: api.production-orders.version.v1 is still called by mes-p03: 12,431 calls, last on 2026-11-20 (and 2 more)

Can cause an outage
  ~ api.production-orders.version.v1  policies/apis.toml:12:1
      retires a version that is deprecated (risk: financial)
      lifecycle: deprecated → retired
      blocked (still-called): api.production-orders.version.v1 is still called by mes-p03: 12,431 calls, last on \
2026-11-20.
      a second person has to approve

Removes access
  - consumer.mes-p03.grant.orders.release
      removes the grant (risk: financial)
      blocked (grant-used): consumer.mes-p03.grant.orders.release is still used by mes-p03: 12,431 calls, last on \
2026-11-20.
      a second person has to approve

Cuts a throttle
  ~ throttle.bulk            policies/throttles.toml:12:1
      cuts 9000 in 60 s to 3000 in 60 s
      conflict: the files and the gateway both moved
      requests: 9000 → 3000  (conflict; last applied: 6000)
      12,431 calls since 2026-11-14, last on 2026-11-20: mes-p03 12,431
      blocked (conflict): throttle.bulk was changed at the gateway and in the files: requests. Take what is live \
into the files, or override it.
      blocked (below-peak): api.production-orders was seen with 4,000 calls in a minute on 2026-11-19, and \
throttle.bulk would let through 3000 in 60 s.
      a second person has to approve
  ~ throttle.plant-standard  policies/throttles.toml:12:1
      cuts burst 200 to 100
      drift: it was changed at the gateway, and is put back
      burst: 200 → 100  (drift; last applied: 100)
      12,431 calls since 2026-11-14, last on 2026-11-20: mes-p03 12,431
      a second person has to approve

Everything else
  * consumer.hand (made by hand, adopted)      policies/consumers.toml:12:1
      owner: somebody → plant-it
  > consumer.mes-p01 → consumer.mes-plant-1    policies/consumers.toml:7:1
      moves 1 resource with it
  + scope.stock                                policies/scopes.toml:7:1"""


def test_what_a_person_reads() -> None:
    lines = [each.rstrip() for each in text(busy(), folder="policies").splitlines()]
    assert [re.sub(r"(?<=\S)  +(?=policies/)", "  ", each) for each in lines] == [
        re.sub(r"(?<=\S)  +(?=policies/)", "  ", each) for each in EXPECTED.splitlines()
    ]


def test_places_stand_below_each_other() -> None:
    lines = [
        each.text
        for each in plan_lines(busy(), folder="policies")
        if "scopes.toml" in each.text or "consumers.toml" in each.text
    ]
    assert len({each.index("policies/") for each in lines}) == 1


def test_why_and_who_else_stand_in_one_line_where_nothing_is_between() -> None:
    lines = text(plan(plant(), state_of({}))).splitlines()
    assert any(line.startswith("      grants a financial scope") for line in lines), lines
    for line in lines:
        if "a second person has to approve" in line and line is not lines[0]:
            assert line == "      grants a financial scope: a second person has to approve"


def test_verbose_has_all_that_is_known() -> None:
    short, long = text(busy()), text(busy(), verbose=True)
    assert set(short.splitlines()) - set(long.splitlines()) == set()
    for said in (
        "to undo: create it again as it was",
        "to undo: put back what was there",
        "to undo: rename it back, with what moved along",
        "to undo: give it up, and leave it as it was made by hand",
        "to undo: delete it again",
        "consumer.mes-p01.grant.orders.read → consumer.mes-plant-1.grant.orders.read",
        "may call: mes-p03",
        "reason: dispatches",
    ):
        assert f"      {said}" in long.splitlines()
        assert said not in short


def many(count: int) -> dict[str, Resource]:
    return plant() | {f"scope.s.{each:04}": Scope(name=f"s.{each:04}") for each in range(count)}


def test_many_harmless_changes_are_counted_and_not_listed() -> None:
    lines = text(plan(many(3000))).splitlines()
    assert len(lines) < SHOWN + 6
    assert lines[0] == "3000 to add, 0 to change, 0 to remove"
    assert lines[-1] == "  and +2,960 more: --verbose tells all"
    assert len(text(plan(many(3000)), verbose=True).splitlines()) > 3000


def test_what_is_loud_is_told_among_many_that_are_not() -> None:
    files = many(3000)
    live = plant()
    live["scope.orders.read"] = replaced(live["scope.orders.read"], description="by hand")
    found = text(plan(files, state_of(live, applied=plant())))
    assert "description: by hand → Read production orders  (drift; last applied: Read production orders)" in found


def test_a_resource_with_many_fields_is_cut_and_says_so() -> None:
    files = plant()
    consumer = files[MES3]
    files[MES3] = replaced(
        consumer, owner="a", system="b", plant="P03", description="c", throttle=None, credential=None, protected=True
    )
    found = text(plan(files))
    assert "      and 3 more: --verbose tells all" in found
    assert "protected: + yes" in text(plan(files), verbose=True)


def test_nothing_to_do_is_one_line() -> None:
    assert text(plan(plant())) == "Nothing to do: the gateway is as the files say."


def test_what_is_only_recorded_is_said() -> None:
    files = plant()
    files[STANDARD] = replaced(files[STANDARD], burst=200)
    found = text(plan(files, state_of(files, applied=plant())))
    assert found.splitlines() == [
        "Nothing to do: the gateway is as the files say.",
        "",
        "1 resource came to be as the files say by other hands; the next apply records that.",
    ]


def test_an_inverse_says_what_it_takes_back() -> None:
    files = plant() | {"scope.stock": Scope(name="stock")}
    first = plan(files)
    found = text(inverse(first, state_of(files), made_at=NOW))
    assert "  - scope.stock" in found
    assert f"It takes the plan {first.hash[:12]} back." in found


def test_every_line_has_its_tone() -> None:
    tones = {each.text.strip(): each.tone for each in plan_lines(busy())}
    assert tones["Can cause an outage"] is Tone.TITLE
    assert tones["- consumer.mes-p03.grant.orders.release"] is Tone.REMOVE
    assert next(iter(tones.values())) is Tone.VERDICT
    assert {tone for said, tone in tones.items() if said.startswith("blocked (")} == {Tone.BLOCKED}


def test_markdown_of_a_pull_request() -> None:
    found = plan_markdown(busy(), folder="policies")
    assert found.startswith("<!-- andon policy plan -->\n### Policy plan for plant-gateway, test\n**1 to add")
    assert f"\n#### Can cause an outage (1)\n\n- **update** `{V1}` in `policies/apis.toml:12:1`\n" in found
    assert "  - :no_entry: blocked (still-called): " in found
    assert "<details><summary>Everything else (3)</summary>\n\n" in found
    assert found.count("<details>") == found.count("</details>")
    assert "Left out" not in found
    assert f"Plan `{busy().hash[:12]}`" in found


@pytest.mark.parametrize("limit", [2_000, 5_000, 20_000, LIMIT])
def test_markdown_stays_below_its_limit_and_says_what_it_left_out(limit: int) -> None:
    files = many(3000)
    files[V1] = replaced(files[V1], lifecycle=Lifecycle.RETIRED)
    found = plan_markdown(plan(files, places=Somewhere()), limit)
    assert limit * 0.5 < len(found) <= limit
    assert "lifecycle: deprecated → retired" in found, "what is dangerous comes first"
    left = re.search(r"Left out, since a comment may not be longer: ([\d,]+) of 'everything else'", found)
    assert left is not None
    assert int(left[1].replace(",", "")) + found.count("- **create**") == 3000
    assert found.count("<details>") == found.count("</details>") == 1


def test_markdown_stays_below_its_limit_when_all_is_dangerous() -> None:
    live = many(2000)
    found = plan_markdown(plan(plant(), state_of(live)), 4_000)
    assert len(found) <= 4_000
    assert "of 'removes access'" in found


def test_markdown_does_what_nobody_wrote_as_markup() -> None:
    files = plant()
    nasty = "</details> <img src=x> @everyone [a](http://b) `code` ```\n# title | *x*"
    files[ORDERS] = replaced(files[ORDERS], description=nasty)
    override = {V1: nasty}
    files[V1] = replaced(files[V1], lifecycle=Lifecycle.RETIRED)
    found = plan_markdown(plan(files, usage=usage(), overrides=override))
    assert "<img" not in re.sub("(`+).*?\\1", "", found)
    assert "@everyone" not in re.sub("(`+).*?\\1", "", found)
    assert "\n# title" not in found
    assert found.count("<details>") == 1
    assert r"\[a\](http://b) \`code\`" in found


def test_findings_are_errors_where_it_is_blocked() -> None:
    found = plan_findings(busy())
    by_rule = {each.rule: each for each in found}
    assert by_rule["plan-still-called"].severity is Severity.ERROR
    assert by_rule["plan-still-called"].place == Place("apis.toml", 12, 1)
    assert by_rule["plan-outage"].severity is Severity.WARNING
    assert by_rule["plan-outage"].message.startswith(
        f"{V1} update: retires a version that is deprecated (risk: financial)"
    )
    assert by_rule["plan-access"].place is None
    assert by_rule["plan-drift"].address == STANDARD
    assert by_rule["plan-conflict"].address == BULK
    assert plan_findings(plan(many(3))) == []
    overridden = plan_findings(plan(_retired(), usage=usage(), overrides={V1: "agreed"}))
    assert [(each.rule, each.severity) for each in overridden] == [
        ("plan-still-called", Severity.WARNING),
        ("plan-outage", Severity.WARNING),
    ]
    assert "Reason: agreed" in overridden[0].message
    assert all(isinstance(each, msgspec.Struct) for each in found)


def test_every_rule_of_a_plan_is_described() -> None:
    described = {each.id for each in RULES}
    assert {f"plan-{guard}" for guard in Guard} | {
        "plan-outage",
        "plan-access",
        "plan-throttle",
        "plan-drift",
    } == described
    log = json.loads(render_sarif(plan_findings(busy()), prefix="policies", rules=RULES))
    (run,) = log["runs"]
    assert {each["ruleId"] for each in run["results"]} <= described
    assert {"plan-still-called", "plan-drift"} <= {each["id"] for each in run["tool"]["driver"]["rules"]}
    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]}
    assert uris <= {"policies/apis.toml", "policies/throttles.toml", "policies/andon.toml"}


def _retired() -> dict[str, Resource]:
    files = plant()
    files[V1] = replaced(files[V1], lifecycle=Lifecycle.RETIRED)
    return files
