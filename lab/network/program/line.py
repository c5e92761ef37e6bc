"""A line of a node's rules, and which Service it is there for."""

from __future__ import annotations

from typing import NamedTuple

RULE, ELEMENT, SET = "rule", "element", "set"


class Line(NamedTuple):
    """One rule, one element of a set or map, or (nftables) the head of a set of its own."""

    table: str
    """filter or nat with iptables, `ip kube-proxy` or `ip6 kube-proxy` with nftables; ipvs has ipvs and ipset too."""
    holder: str
    """The chain, set or map that it is in; with ipvs the virtual server."""
    text: str
    """As it is printed, without the holder."""
    service: str = ""
    """`NAMESPACE/NAME`; empty for what every node has."""
    kind: str = RULE

    def __str__(self) -> str:
        """The line with its holder: as iptables-save prints it, or in the order in which nft nests it."""
        if self.table in ("filter", "nat"):
            return f"-A {self.holder} {self.text}"
        if self.table == "ipset":
            return f"add {self.holder} {self.text}"
        if self.table == "ipvs":
            return self.text
        if self.kind == ELEMENT:
            return f"{self.holder} {{ {self.text} }}"
        return f"chain {self.holder} {{ {self.text} }}"
