from lab.scenario.jsonschema import field_help, scenario_schema
from lab.scenario.schema import ScenarioEntry, TrafficEntry


def test_the_schema_has_every_key_under_the_name_that_files_use():
    made = scenario_schema()
    assert set(made["properties"]) == {
        "name", "about", "seed", "duration", "cluster", "manifests", "apps", "traffic", "timeline", "lesson", "expect",
        "patches", "extends", "vars", "variants", "hypothesis", "method", "rollbacks", "kata",
    }  # fmt: skip
    assert {"from", "to", "rate", "keep_alive"} <= set(made["$defs"]["TrafficEntry"]["properties"])
    assert made["additionalProperties"] is False
    assert made["required"] == ["name"]


def test_every_reference_leads_somewhere():
    made = scenario_schema()
    assert _references(made) <= {f"#/$defs/{name}" for name in made["$defs"]}


def _references(value):
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def test_docstrings_below_fields_are_the_help():
    assert field_help(ScenarioEntry)["about"] == "One sentence."
    assert "did_not_exist" not in field_help(TrafficEntry)


def test_settings_are_listed_with_their_defaults():
    settings = scenario_schema()["$defs"]["ClusterEntry"]["properties"]["settings"]
    assert settings["properties"]["probe_period_s"]["default"] == 10.0
