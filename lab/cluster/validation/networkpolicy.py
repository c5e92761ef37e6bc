"""NetworkPolicy: its selectors, ports, peers and blocks of addresses (pkg/apis/networking/validation)."""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid, required, unsupported
from lab.cluster.validation.names import Errors, faulty, port_name_faults
from lab.cluster.validation.selectors import selector_errors
from lab.cluster.validation.service_ports import port_number_errors, protocol_errors
from lab.kube.ip import Network, read_network
from lab.kube.kinds.networkpolicy import (
    EGRESS,
    INGRESS,
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
)

_TYPES = (EGRESS, INGRESS)
_NO_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def network_policy_errors(new: NetworkPolicy, old: NetworkPolicy | None) -> Errors:
    """Everything that a policy must say, and must not."""
    spec = new.spec
    yield from selector_errors(spec.pod_selector, "spec.podSelector")
    for index, ingress in enumerate(spec.ingress):
        path = f"spec.ingress[{index}]"
        yield from _rule_errors(ingress.ports, ingress.from_, path, f"{path}.from")
    for index, egress in enumerate(spec.egress):
        path = f"spec.egress[{index}]"
        yield from _rule_errors(egress.ports, egress.to, path, f"{path}.to")
    if len(spec.policy_types) > len(_TYPES):
        yield invalid("spec.policyTypes", list(spec.policy_types), "may not specify more than two policyTypes")
        return
    for index, name in enumerate(spec.policy_types):
        if name not in _TYPES:
            yield unsupported(f"spec.policyTypes[{index}]", name, _TYPES)


def _rule_errors(
    ports: tuple[NetworkPolicyPort, ...], peers: tuple[NetworkPolicyPeer, ...], path: str, peers_path: str
) -> Errors:
    for index, port in enumerate(ports):
        yield from _port_errors(port, f"{path}.ports[{index}]")
    for index, peer in enumerate(peers):
        yield from _peer_errors(peer, f"{peers_path}[{index}]")


def _port_errors(entry: NetworkPolicyPort, path: str) -> Errors:
    if entry.protocol is not None:
        yield from protocol_errors(f"{path}.protocol", entry.protocol)
    port, last = entry.port, entry.end_port
    if isinstance(port, int):
        yield from port_number_errors(f"{path}.port", port)
        if last is not None:
            if last < port:
                yield invalid(f"{path}.endPort", port, "must be greater than or equal to `port`")
            yield from port_number_errors(f"{path}.endPort", last)
        return
    if last is not None:
        lack = "not specified" if port is None else "non-numeric"
        yield invalid(f"{path}.endPort", last, f"may not be specified when `port` is {lack}")
    if port is not None:
        yield from faulty(f"{path}.port", port, port_name_faults(port))


def _peer_errors(peer: NetworkPolicyPeer, path: str) -> Errors:
    if peer.pod_selector is not None:
        yield from selector_errors(peer.pod_selector, f"{path}.podSelector")
    if peer.namespace_selector is not None:
        yield from selector_errors(peer.namespace_selector, f"{path}.namespaceSelector")
    if peer.ip_block is not None:
        yield from _block_errors(peer.ip_block, f"{path}.ipBlock")
    selectors = (peer.pod_selector, peer.namespace_selector)
    if peer.ip_block is None and selectors == (None, None):
        yield required(path, "must specify a peer")
    elif peer.ip_block is not None and selectors != (None, None):
        yield forbidden(path, "may not specify both ipBlock and another peer")


def _block_errors(block: IPBlock, path: str) -> Errors:
    if not block.cidr:
        yield required(f"{path}.cidr")
        return
    whole = read_network(block.cidr).value
    if whole is None:
        yield invalid(f"{path}.cidr", block.cidr, _NO_NETWORK)
    for index, text in enumerate(block.except_):
        part = read_network(text).value
        if part is None:
            yield invalid(f"{path}.except[{index}]", text, _NO_NETWORK)
        elif isinstance(whole, Network) and isinstance(part, Network) and not _is_within(part, whole):
            yield invalid(f"{path}.except[{index}]", text, "must be a strict subset of `cidr`")


def _is_within(part: Network, whole: Network) -> bool:
    return part.network_address in whole and part.prefixlen > whole.prefixlen
