"""The newest table follows from watch events, and only what changed is built anew."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.kube.decode import decode
from lab.network.builder import RuleBuilder


def service(name: str, number: int, **spec: Any) -> Any:
    body = {"clusterIP": f"10.96.0.{number}", "ports": [{"port": 80}], **spec}
    return decode(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": body}
    )


def slice_(name: str, part: str, *ips: str) -> Any:
    labels = {"kubernetes.io/service-name": name}
    return decode(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"{name}-{part}", "namespace": "default", "labels": labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [ip]} for ip in ips],
            "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        }
    )


def addresses(builder: RuleBuilder, name: str = "default/web") -> list[str]:
    return [endpoint.ip for rule in builder.table.services[name] for endpoint in rule.endpoints]


def test_slices_and_services_may_come_in_any_order() -> None:
    one, other = RuleBuilder(), RuleBuilder()
    events = [service("web", 1), slice_("web", "a", "10.244.0.2"), slice_("web", "b", "10.244.0.3")]
    for event in events:
        one.apply(event)
        one.refresh()
    for event in reversed(events):
        other.apply(event)
        other.refresh()
    assert addresses(one) == addresses(other) == ["10.244.0.2", "10.244.0.3"]


def test_other_services_rules_stay_the_same_values() -> None:
    builder = RuleBuilder()
    for event in (service("web", 1), service("api", 2), slice_("web", "a", "10.244.0.2")):
        builder.apply(event)
    builder.refresh()
    kept = builder.table.services["default/api"]
    version = builder.table.version
    builder.apply(slice_("web", "a", "10.244.0.3"))
    assert builder.refresh()
    assert builder.table.services["default/api"] is kept
    assert builder.changes_between(version, builder.table.version) == ("default/web",)


def test_what_changes_no_rule_makes_no_version() -> None:
    builder = RuleBuilder()
    builder.apply(service("web", 1))
    builder.refresh()
    for event in (service("web", 1), service("web", 1, selector={"app": "web"}), slice_("other", "a", "10.244.0.2")):
        builder.apply(event)
    assert not builder.refresh()


def test_of_two_slices_with_one_address_that_counts_which_names_its_node() -> None:
    """Where they differ, kube-proxy favours the endpoint that is local (addEndpoints in endpointslicecache.go)."""
    bare, named = slice_("web", "a", "10.244.0.2"), slice_("web", "b", "10.244.0.2")
    named = replace(named, endpoints=tuple(replace(each, node_name="worker-1") for each in named.endpoints))
    for events in ((bare, named), (replace(named, metadata=bare.metadata), replace(bare, metadata=named.metadata))):
        builder = RuleBuilder()
        for event in (service("web", 1), *events):
            builder.apply(event)
        builder.refresh()
        (rule,) = builder.table.services["default/web"]
        assert [(endpoint.ip, endpoint.node) for endpoint in rule.endpoints] == [("10.244.0.2", "worker-1")]


@pytest.mark.parametrize("number", [None, 0])
def test_a_port_of_a_slice_without_a_number_is_no_port(number: int | None) -> None:
    part = slice_("web", "a", "10.244.0.2")
    builder = RuleBuilder()
    builder.apply(replace(part, ports=tuple(replace(port, port=number) for port in part.ports)))
    assert builder.endpoints("default", "web") == {}


def test_an_address_in_two_slices_counts_once() -> None:
    builder = RuleBuilder()
    for event in (service("web", 1), slice_("web", "a", "10.244.0.2"), slice_("web", "b", "10.244.0.2")):
        builder.apply(event)
    builder.refresh()
    assert addresses(builder) == ["10.244.0.2"]
    builder.apply(slice_("web", "a", "10.244.0.2"), deleted=True)
    builder.refresh()
    assert addresses(builder) == ["10.244.0.2"]


def test_what_has_a_label_for_another_proxy_is_as_good_as_gone() -> None:
    builder, web, part = RuleBuilder(), service("web", 1), slice_("web", "a", "10.244.0.2")
    for event in (web, part):
        builder.apply(event)
    builder.refresh()
    label = {"service.kubernetes.io/service-proxy-name": ""}
    builder.apply(replace(web, metadata=replace(web.metadata, labels=label)))
    assert builder.refresh()
    assert not builder.table.services
    builder.apply(web)
    builder.refresh()
    assert addresses(builder) == ["10.244.0.2"]


@pytest.mark.parametrize("label", ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"])
def test_slices_with_such_a_label_or_that_of_headless_services_are_not_watched(label: str) -> None:
    builder, part = RuleBuilder(), slice_("web", "a", "10.244.0.2")
    labels = {**part.metadata.labels, label: "other"}
    for event in (service("web", 1), replace(part, metadata=replace(part.metadata, labels=labels))):
        builder.apply(event)
    builder.refresh()
    assert addresses(builder) == []
