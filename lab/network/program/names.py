"""The names of chains and sets, exactly as kube-proxy computes them.

iptables allows 28 characters, so its chains are a prefix and 16 letters of a hash (pkg/proxy/iptables, portProtoHash).
nftables allows 256, so its names can be read, and 8 letters of a hash only keep them apart (pkg/proxy/nftables,
hashAndTruncate).
"""

from __future__ import annotations

import base64
import hashlib

from lab.network.endpoints import EndpointInfo
from lab.network.service_rules import ServicePortRule

CLUSTER_CHAIN = "KUBE-SVC-"
"""Chooses among the endpoints of the Cluster policy."""
LOCAL_CHAIN = "KUBE-SVL-"
"""Chooses among the endpoints of the Local policy."""
EXTERNAL_CHAIN = "KUBE-EXT-"
"""Where traffic to node ports, external IPs and load-balancer IPs begins; KUBE-XLB- before Kubernetes 1.24."""
FIREWALL_CHAIN = "KUBE-FW-"
"""Checks loadBalancerSourceRanges."""
ENDPOINT_CHAIN = "KUBE-SEP-"
"""Rewrites the destination to one endpoint."""

NFT_CLUSTER_CHAIN = "service-"
NFT_LOCAL_CHAIN = "local-"
NFT_EXTERNAL_CHAIN = "external-"
NFT_FIREWALL_CHAIN = "firewall-"
NFT_ENDPOINT_CHAIN = "endpoint-"
NFT_AFFINITY_SET = "affinity-"

_LONGEST_NFT_NAME = 256 - 16
"""What nftables allows, without the longest prefix."""


def port_name(rule: ServicePortRule) -> str:
    """`NAMESPACE/NAME:PORT-NAME`, or without the colon where the port has no name: how comments call a Service port."""
    return f"{rule.service}:{rule.port_name}" if rule.port_name else rule.service


def chain(prefix: str, rule: ServicePortRule) -> str:
    """The iptables chain of a Service port: `KUBE-SVC-XPGD46QRK7WJZT7O`."""
    return prefix + _hash(f"{port_name(rule)}{rule.protocol.lower()}", 16)


def endpoint_chain(rule: ServicePortRule, endpoint: EndpointInfo) -> str:
    """The iptables chain of one endpoint of a Service port: `KUBE-SEP-SXIVWICOYRO3J4NJ`."""
    return ENDPOINT_CHAIN + _hash(f"{port_name(rule)}{rule.protocol.lower()}{endpoint.address}", 16)


def nft_name(prefix: str, rule: ServicePortRule) -> str:
    """The nftables chain of a Service port: `service-ULMVA6XW-ns1/svc1/tcp/p80`."""
    return prefix + _with_hash(_nft_port(rule))


def nft_endpoint_name(prefix: str, rule: ServicePortRule, endpoint: EndpointInfo) -> str:
    """The nftables chain or set of an endpoint: `endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80`."""
    return prefix + _with_hash(f"{_nft_port(rule)}__{endpoint.ip.replace(':', '.')}/{endpoint.port}")


def _nft_port(rule: ServicePortRule) -> str:
    return f"{rule.service}/{rule.protocol.lower()}/{rule.port_name}"


def _with_hash(name: str) -> str:
    hashed = f"{_hash(name, 8)}-{name}"
    return hashed if len(hashed) <= _LONGEST_NFT_NAME else f"{hashed[: _LONGEST_NFT_NAME - 3]}..."


def _hash(text: str, letters: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:letters]
