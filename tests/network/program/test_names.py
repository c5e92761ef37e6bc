"""Chain names that kube-proxy's own unit tests state."""

from __future__ import annotations

import pytest

from lab.network.program import names
from tests.network.program.everything import endpoint, rule


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("ns1/svc1", "KUBE-SVC-XPGD46QRK7WJZT7O"),
        ("ns2/svc2", "KUBE-SVC-GNZBNJ2PO5MGZ6GT"),
        ("ns3/svc3", "KUBE-SVC-X27LE4BHSL4DOUIK"),
        ("ns4/svc4", "KUBE-SVC-4SW47YFZTEDKD3PK"),
        ("ns5/svc5", "KUBE-SVC-NUKIZ6OKUXPJNT4C"),
    ],
)
def test_iptables_chains_of_a_service_port_share_a_hash(service: str, name: str) -> None:
    port = rule(service, "172.30.0.41")
    assert names.chain(names.CLUSTER_CHAIN, port) == name
    for prefix in (names.LOCAL_CHAIN, names.EXTERNAL_CHAIN, names.FIREWALL_CHAIN):
        assert names.chain(prefix, port) == prefix + name.removeprefix("KUBE-SVC-")


@pytest.mark.parametrize(
    ("service", "ip", "name"),
    [
        ("ns1/svc1", "10.180.0.1", "KUBE-SEP-SXIVWICOYRO3J4NJ"),
        ("ns1/svc1", "10.180.2.1", "KUBE-SEP-ZX7GRIZKSNUQ3LAJ"),
        ("ns2/svc2", "10.180.0.2", "KUBE-SEP-RS4RBKLTHTF2IUXJ"),
        ("ns3/svc3", "10.180.0.3", "KUBE-SEP-OYPFS5VJICHGATKP"),
        ("ns4/svc4", "10.180.0.4", "KUBE-SEP-UKSFD7AGPMPPLUHC"),
        ("ns4/svc4", "10.180.0.5", "KUBE-SEP-C6EBXVWJJZMIWKLZ"),
        ("ns5/svc5", "10.180.0.3", "KUBE-SEP-I77PXRDZVX7PMWMN"),
    ],
)
def test_iptables_chains_of_endpoints(service: str, ip: str, name: str) -> None:
    assert names.endpoint_chain(rule(service, "172.30.0.41"), endpoint(ip)) == name


def test_iptables_names_fit_into_28_characters() -> None:
    port = rule(f"{'n' * 63}/{'s' * 63}", "172.30.0.41", port_name="p" * 15)
    prefixes = (names.CLUSTER_CHAIN, names.LOCAL_CHAIN, names.EXTERNAL_CHAIN, names.FIREWALL_CHAIN)
    assert all(len(names.chain(prefix, port)) <= 28 for prefix in prefixes)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("ns1/svc1", "ULMVA6XW-ns1/svc1/tcp/p80"),
        ("ns2/svc2", "42NFTM6N-ns2/svc2/tcp/p80"),
        ("ns3/svc3", "4AT6LBPK-ns3/svc3/tcp/p80"),
        ("ns4/svc4", "LAUZTJTB-ns4/svc4/tcp/p80"),
        ("ns5/svc5", "HVFWP5L3-ns5/svc5/tcp/p80"),
    ],
)
def test_nftables_chains_of_a_service_port_share_a_readable_name(service: str, name: str) -> None:
    port = rule(service, "172.30.0.41")
    for prefix in ("service-", "local-", "external-", "firewall-"):
        assert names.nft_name(prefix, port) == prefix + name


@pytest.mark.parametrize(
    ("service", "ip", "name"),
    [
        ("ns1/svc1", "10.180.0.1", "endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80"),
        ("ns2/svc2", "10.180.0.2", "endpoint-SGOXE6O3-ns2/svc2/tcp/p80__10.180.0.2/80"),
        ("ns4/svc4", "10.180.0.5", "endpoint-5RFCDDV7-ns4/svc4/tcp/p80__10.180.0.5/80"),
        ("ns5/svc5", "10.180.0.3", "endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80"),
    ],
)
def test_nftables_chains_of_endpoints(service: str, ip: str, name: str) -> None:
    port = rule(service, "172.30.0.41")
    assert names.nft_endpoint_name(names.NFT_ENDPOINT_CHAIN, port, endpoint(ip)) == name
    affinity = names.nft_endpoint_name(names.NFT_AFFINITY_SET, port, endpoint(ip))
    assert affinity == name.replace("endpoint-", "affinity-")


def test_nftables_names_have_no_colons_and_are_cut_where_they_are_too_long() -> None:
    port = rule(f"{'n' * 63}/{'s' * 63}", "fd00::1", port_name="p" * 63)
    far = endpoint("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", port=65535)
    name = names.nft_endpoint_name("", port, far)
    assert ":" not in name
    assert len(name) == 240
    assert name.endswith("...")
    assert "." in names.nft_endpoint_name("", rule("a/b", "fd00::1"), endpoint("fd00:10::1"))
