"""The data plane: links, rule tables, conntrack, DNS, load balancers, the router.

To learn from it how kube-proxy works, read in this order:

    endpoints.py        which endpoints of a Service a node may use (CategorizeEndpoints, hints, terminating ones)
    service_rules.py    from a Service and its EndpointSlices to what is programmed for each of its ports
    traffic_policy.py   what the internal and external traffic policies make of it; masquerade; REJECT or DROP
    rule_table.py       how a packet is matched: cluster, external and load-balancer IPs, then node ports
    router.py           the decision about one packet, from the match to the rewritten header
    ipvs.py             how ipvs picks an endpoint, where the other modes throw dice
    builder.py          how watch events become the newest table
    proxy.py            when a node takes the newest table over, and what happens when its kube-proxy is dead
    program/            the same rules as iptables, nftables and ipvs hold them, line by line

Around it: `node_facts.py` (what differs from node to node), `health_check.py`, `host.py` (one node's part of the data
plane), `topology.py` (links), `journey.py` (from node to node; its end is an `arrival.py`, and
`memory.py` takes a way that is known again, as long as nothing has changed), `policy.py` with
`policy_rules.py` (NetworkPolicies), `exposure.py` (what is open to the outside), `reasons.py` (every reason code),
`explanation.py` (why a decision fell as it did). `network.py` is the way in.

Load balancers: `balancer.py` (how one of each profile chooses and what it asks its targets), `load_balancer.py` (all of
them, as targets come, are checked and go), `pod_targets.py` (Pods as targets of an NLB, and their readiness gates).

What the kernel remembers of connections: `conntrack.py`, `conntrack_entries.py` (as `conntrack -L` shows it),
`conntrack_cleanup.py` (which UDP entries kube-proxy deletes, release by release).

How a name becomes an address: `dns.py` (a client's hosts file, cache and resolver), `resolv_conf.py`, `dns_lookup.py`
(search path, attempts, time-outs), `coredns.py` (cache and upstream of each CoreDNS Pod), `cluster_dns.py` (the
cluster's own names), `public_dns.py` (names outside), `dns_records.py`.
"""
