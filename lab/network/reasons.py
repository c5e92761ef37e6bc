"""Every reason that a decision can carry: what it means, and what to try next.

A verdict never comes without one of these codes. The codes stand in the journal, in reports and in checks, so
they are part of the interface.
"""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """One plain sentence on what happened, and what somebody who did not want it tries next."""

    meaning: str
    advice: str = ""


# -- delivered by a Service rule
BALANCED = "balanced"
SCHEDULED = "scheduled"
LOCAL = "local-endpoint"
TOPOLOGY = "near-endpoint"
TERMINATING = "terminating-endpoint"
SHORT_CIRCUIT_POD = "short-circuit-pod"
SHORT_CIRCUIT_NODE = "short-circuit-node"
AFFINITY = "session-affinity"
ANY_FOR_LOCAL = "any-endpoint-for-local"
CONNTRACK = "conntrack"
ENDPOINT_GONE = "endpoint-gone"
ENDPOINT_UNKNOWN = "endpoint-unknown"

# -- refused at once
NO_ENDPOINTS = "no-endpoints"
NO_SUCH_PORT = "no-such-port"
NOTHING_LISTENS = "nothing-listens"
NO_REAL_SERVER = "no-real-server"

# -- thrown away by a rule
NO_LOCAL_ENDPOINTS = "no-local-endpoints"
ANSWER_DISCARDED = "answer-discarded"
HAIRPIN_OFF = "hairpin-off"
SOURCE_NOT_ALLOWED = "source-not-allowed"
UNALLOCATED = "unallocated-cluster-ip"
CONNTRACK_FULL = "conntrack-full"
STALE_ENTRY = "stale-conntrack-entry"

# -- thrown away by a NetworkPolicy
POLICY_EGRESS = "policy-egress"
POLICY_INGRESS = "policy-ingress"

# -- lost on the way
CLUSTER_IP_OUTSIDE = "cluster-ip-from-outside"
POD_IP_OUTSIDE = "pod-ip-from-outside"
NODE_IP_OUTSIDE = "node-ip-from-outside"
UNKNOWN_ADDRESS = "unknown-address"
OTHER_FAMILY = "no-address-of-the-family"
NODE_DOWN = "node-down"
NODE_FROZEN = "node-frozen"
LINK_DOWN = "link-down"
LB_NO_NODE = "lb-no-healthy-node"
LB_PORT = "lb-port-closed"
LB_NO_NODE_PORT = "lb-without-node-port"
LB_NOT_ANNOUNCED = "lb-not-announced"
LB_TARGET_GONE = "lb-target-gone"

# -- delivered by a load balancer itself
LB_TARGET = "balancer-target"

# -- reset by a load balancer
LB_TARGET_UNHEALTHY = "lb-target-unhealthy"
LB_TARGET_DRAINED = "lb-target-drained"
LB_MOVED = "lb-moved"

# -- after the connection was made
NO_ANSWER = "no-answer"

# -- not a matter of Service rules
NO_RULE = "no-rule"
NODE_PORT_ELSEWHERE = "node-port-not-on-this-address"
WRONG_PORT_PASSED = "wrong-port-passed"
DIRECT = "direct-to-pod"
NODE_PROCESS = "node-process"
HEALTH_CHECK_PORT = "health-check-port"

REASONS: dict[str, Reason] = {
    BALANCED: Reason("One of the ready endpoints in the whole cluster was picked at random."),
    SCHEDULED: Reason("One of the ready endpoints in the whole cluster was picked by the scheduler of ipvs."),
    LOCAL: Reason(
        "A Local traffic policy applies, so only endpoints on this node were eligible; the client's address is kept."
    ),
    TOPOLOGY: Reason(
        "Every ready endpoint carries hints, so only the endpoints meant for this node or its zone were eligible."
    ),
    TERMINATING: Reason(
        "No endpoint is ready any more; one that is shutting down but still serving took the connection.",
        "Look at why no Pod is Ready: kubectl get pods, kubectl describe the Deployment.",
    ),
    SHORT_CIRCUIT_POD: Reason(
        "A Pod used the Service's outside address, so the Local policy is skipped and any endpoint may answer."
    ),
    SHORT_CIRCUIT_NODE: Reason(
        "The node itself used the outside address, so the Local policy is skipped and any endpoint may answer."
    ),
    AFFINITY: Reason("sessionAffinity is ClientIP and this node remembers which endpoint the client had."),
    ANY_FOR_LOCAL: Reason(
        "A Local traffic policy applies and this node has no endpoint; ipvs then takes any endpoint of the cluster."
    ),
    CONNTRACK: Reason("The flow already has a connection-tracking entry; the rules are not consulted again."),
    ENDPOINT_GONE: Reason(
        "This node's rules still name an endpoint whose Pod no longer exists.",
        "See how old the rules of the node are, and whether its kube-proxy runs: lab rules --node NODE. Where nodes "
        "are only a moment late, one after another, a preStop sleep lets the Pod outlive their rules.",
    ),
    ENDPOINT_UNKNOWN: Reason(
        "The endpoint's address belongs to no Pod of this cluster, and nobody answers there.",
        "Look at who wrote the address: kubectl get endpointslices shows what the Service sends its traffic to.",
    ),
    NO_ENDPOINTS: Reason(
        "The Service has no usable endpoint anywhere, so the node refuses the connection at once.",
        "Compare the Service's selector with the Pods' labels, and look whether any Pod is Ready.",
    ),
    NO_SUCH_PORT: Reason(
        "The address belongs to a Service, but the Service has no such port; nftables and ipvs refuse at once.",
        "kubectl get service shows the ports that exist.",
    ),
    NOTHING_LISTENS: Reason(
        "The packet reached the Pod or node that it was for, and no process there listens on that port.",
        "Compare the targetPort with the ports of the Pod's containers; kubectl get service shows the node ports.",
    ),
    NO_REAL_SERVER: Reason(
        "A Local traffic policy applies and this node has no endpoint; the virtual server of ipvs is empty, and the "
        "kernel refuses the connection at once.",
        "Run a Pod on each node, or use the Cluster policy.",
    ),
    HAIRPIN_OFF: Reason(
        "The Service chose the very Pod that asks, and the node's bridge gives nothing back to the port it came from.",
        "Switch on hairpinMode of the network plugin, or let the Pod call itself on localhost.",
    ),
    ANSWER_DISCARDED: Reason(
        "A Local traffic policy applies and this node has no endpoint; ipvs sends the packet to another node without "
        "masquerade, and the client discards the answer because it comes from the Pod's address.",
        "Run a Pod on each node, use the Cluster policy, or let a load balancer check the healthCheckNodePort.",
    ),
    NO_LOCAL_ENDPOINTS: Reason(
        "A Local traffic policy applies and this node has no endpoint, so the packet is dropped and the client hangs.",
        "Run a Pod on each node, use the Cluster policy, or let a load balancer check the healthCheckNodePort.",
    ),
    SOURCE_NOT_ALLOWED: Reason(
        "The client's address is in none of the Service's loadBalancerSourceRanges.",
        "Add the client's network to spec.loadBalancerSourceRanges.",
    ),
    UNALLOCATED: Reason(
        "The address lies in the Service network but kube-proxy knows no Service that has it; the packet is dropped.",
        "The Service may have been deleted and made anew with another cluster IP: resolve its name again. One with the "
        "label service.kubernetes.io/service-proxy-name is left to another proxy.",
    ),
    CONNTRACK_FULL: Reason(
        "The node's connection-tracking table is full, so it drops the first packet of new connections. Its kernel: "
        "nf_conntrack: table full, dropping packet.",
        "Raise conntrack_max, keep connections alive, or spread the traffic over more nodes.",
    ),
    POLICY_EGRESS: Reason(
        "A NetworkPolicy isolates the client's Pod for egress, and none allows this connection; the client hangs.",
        "Allow the Pod behind the Service and its own port, not the Service's; names need UDP and TCP 53 to kube-dns.",
    ),
    POLICY_INGRESS: Reason(
        "A NetworkPolicy isolates the target Pod for ingress, and none allows this connection; the client hangs.",
        "Allow the client; behind a masquerade it is a node's address that is judged, so let the Service keep the "
        "client's (externalTrafficPolicy Local) or allow the nodes' network.",
    ),
    STALE_ENTRY: Reason(
        "A conntrack entry still leads this socket's packets to an address that nobody has; no rule is consulted.",
        "The client sends from a new port, or somebody deletes the entry: conntrack -D; lab conntrack shows it.",
    ),
    CLUSTER_IP_OUTSIDE: Reason(
        "A cluster IP exists only in the rules of the cluster's own nodes; no router on the internet knows it.",
        "Use a NodePort or LoadBalancer Service, or connect from a Pod.",
    ),
    POD_IP_OUTSIDE: Reason(
        "A Pod's address is private to the cluster; no router on the internet knows it.",
        "Put a NodePort or LoadBalancer Service in front of the Pod.",
    ),
    NODE_IP_OUTSIDE: Reason(
        "A node's InternalIP is private; no router on the internet knows it.",
        "Use the node's ExternalIP: kubectl get nodes -o wide.",
    ),
    UNKNOWN_ADDRESS: Reason("Nobody has this address.", "Look at the address again, or use a name."),
    OTHER_FAMILY: Reason(
        "The source has no address of the destination's family, so its own kernel knows no way there (ENETUNREACH).",
        "Use the address of the other family, or make the cluster dual-stack: pod_cidr and service_cidr with two "
        "networks.",
    ),
    NODE_DOWN: Reason(
        "The node that the packet needs has no power.",
        "Wait until the cluster notices (node_monitor_grace_s) and moves the Pods, or recover the node.",
    ),
    NODE_FROZEN: Reason(
        "The node that the packet needs stands still: nothing on it runs, and nothing comes through it.",
        "lab thaw lets it go on; until then the cluster takes it for dead when its lease runs out.",
    ),
    LINK_DOWN: Reason("A link on the way is down.", "lab heal link brings it back."),
    LB_NO_NODE: Reason(
        "The load balancer has no healthy node to send to.",
        "With externalTrafficPolicy Local a node is healthy only while it has a ready Pod.",
    ),
    LB_PORT: Reason(
        "The load balancer does not listen on this port.", "kubectl get service shows the Service's ports."
    ),
    LB_NO_NODE_PORT: Reason(
        "The load balancer is of ipMode Proxy: it needs a node port to connect to, and the Service has none.",
        "Set spec.allocateLoadBalancerNodePorts to true, or give the port a nodePort.",
    ),
    LB_NOT_ANNOUNCED: Reason(
        "No node announces the load balancer's address, so nobody answers for it.",
        "MetalLB announces an address only while the Service has a ready Pod, and under the Local policy only from a "
        "node that has one.",
    ),
    LB_TARGET_GONE: Reason(
        "The load balancer still has a Pod as a target that no longer exists.",
        "Give the Pod a preStop sleep, so that it outlives its deregistration.",
    ),
    LB_TARGET: Reason(
        "The load balancer has the Pods themselves as targets and chose one; no rule of a node had a part in it."
    ),
    LB_TARGET_UNHEALTHY: Reason(
        "The load balancer reset the connection: its target had become unhealthy.",
        "A client that tries again gets a healthy target.",
    ),
    LB_TARGET_DRAINED: Reason(
        "The load balancer reset the connection: its target was deregistered, and the deregistration delay is over.",
        "Let clients end their connections before that, or raise lb_deregistration_delay_s.",
    ),
    LB_MOVED: Reason(
        "Another node announces the load balancer's address now, and knows nothing of the connection.",
        "A client that tries again gets the new node. BGP instead of layer 2 spreads an address over several nodes.",
    ),
    NO_ANSWER: Reason(
        "The Pod took the connection, and its answer did not come in time or got lost.",
        "Look at how busy the Pod is, whether it was killed while it served, and at the client's timeout.",
    ),
    NO_RULE: Reason("No Service rule concerns this packet."),
    NODE_PORT_ELSEWHERE: Reason(
        "It is a node port, but kube-proxy does not serve node ports on this address of the node.",
        "Use the node's primary address, or set nodePortAddresses.",
    ),
    WRONG_PORT_PASSED: Reason(
        "The address belongs to a Service that has no such port; iptables lets the packet pass, and it is lost.",
        "kubectl get service shows the ports that exist.",
    ),
    DIRECT: Reason("The client used the Pod's own address, so no Service was involved."),
    NODE_PROCESS: Reason("A process of the node itself answers."),
    HEALTH_CHECK_PORT: Reason("kube-proxy answers here how many ready endpoints the node has."),
}
