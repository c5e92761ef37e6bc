"""Every timing and limit of the simulated cluster, with Kubernetes' own default and where it comes from.

A scenario overrides any of them by name under `cluster.settings`. Durations are in seconds.
"""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value for everything that takes time or has a limit."""

    kubernetes: str = "1.37"
    """The release whose behaviour the cluster shows, 1.29 to 1.37 (lab/kube/versions.py)."""

    # -- API server and watches: core/v1 types, SLOs
    watch_latency_s: float = 0.01
    """From a write in the store to the moment a controller, kubelet or kube-proxy sees it."""
    termination_grace_period_s: float = 30.0
    """core/v1 PodSpec.terminationGracePeriodSeconds; a preStop hook counts inside it."""
    sigkill_extension_s: float = 2.0
    """Extra time after preStop has eaten the whole grace period (pod-lifecycle)."""

    # -- addresses: KEP-3070, KEP-3668
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    """Like pod_cidr one network, or one of each family for dual stack: "10.96.0.0/12,fd00:10:96::/112"."""
    node_port_range: str = "30000-32767"
    cluster_domain: str = "cluster.local"
    cluster_dns_ip: str = "10.96.0.10"

    # -- nodes: nodes documentation, kubelet types
    node_lease_renew_s: float = 10.0
    node_lease_duration_s: float = 40.0
    node_monitor_period_s: float = 5.0
    node_monitor_grace_s: float = 50.0
    """50 s since Kubernetes 1.32, 40 s before (PR 126287)."""
    node_startup_grace_s: float = 60.0
    node_eviction_toleration_s: float = 300.0
    """Default toleration of not-ready and unreachable, set by admission."""
    node_eviction_rate_per_s: float = 0.1
    node_secondary_eviction_rate_per_s: float = 0.01
    node_unhealthy_zone_threshold: float = 0.55
    node_large_cluster_size: int = 50
    node_cpu: str = "4"
    node_memory: str = "8Gi"
    node_pods: int = 110

    # -- Pod garbage collection: gc_controller.go, kube-controller-manager's --terminated-pod-gc-threshold
    pod_gc_period_s: float = 20.0
    pod_gc_quarantine_s: float = 40.0
    """How long a node must be missing until its Pods are deleted."""
    pod_gc_terminated_threshold: int = 12500
    """Of Pods that have ended, more than this many are deleted; 0 for never."""

    # -- this simulation
    workload_headroom: float = 10.0
    """How many times the Pods that all nodes hold one workload may ask for at most."""

    # -- Pods: probes (core/v1 Probe), containers
    probe_period_s: float = 10.0
    probe_timeout_s: float = 1.0
    probe_success_threshold: int = 1
    probe_failure_threshold: int = 3
    probe_initial_delay_s: float = 0.0
    scheduler_latency_s: float = 0.02
    sandbox_start_s: float = 0.4
    """Network namespace, CNI and pause container."""
    image_pull_s: float = 1.5
    """A pull of an image that the node does not have; drawn within +-50 %."""
    image_pull_parallel: bool = False
    """serializeImagePulls is true by default: one pull at a time on a node."""
    container_start_s: float = 0.2
    init_container_run_s: float = 1.0
    """What an init container takes; it always succeeds."""
    crash_backoff_initial_s: float = 10.0
    crash_backoff_max_s: float = 300.0
    crash_backoff_reset_s: float = 600.0
    pull_backoff_initial_s: float = 10.0
    pull_backoff_max_s: float = 300.0
    kubelet_status_latency_s: float = 0.05
    """From a change on the node to the Pod's status in the API."""

    # -- controllers: endpointslice_controller.go, deployment types
    endpointslice_batch_period_s: float = 0.0
    endpointslice_max_endpoints: int = 100
    endpoints_batch_period_s: float = 0.5
    """From a change of a Service's slices to its legacy Endpoints object, so that many changes are one write."""
    endpoints_most_services: int = 2000
    """With more Services than this, the legacy Endpoints objects are not kept: nothing in the lab reads them."""
    controller_retry_initial_s: float = 1.0
    controller_retry_max_s: float = 1000.0
    deployment_max_surge: str = "25%"
    deployment_max_unavailable: str = "25%"
    deployment_progress_deadline_s: float = 600.0
    deployment_revision_history: int = 10

    # -- metrics: metrics-server's --metric-resolution and storage
    metrics_server: bool = True
    """Whether the cluster has one; without it neither `kubectl top` nor an autoscaler hears of CPU and memory."""
    metrics_resolution_s: float = 15.0
    """From one scrape of the kubelets to the next; usage is what was used between the last two."""
    metrics_fresh_container_s: float = 10.0
    """How old a container must be at its first scrape to be measured from its start."""

    # -- horizontal autoscaler: kube-controller-manager's --horizontal-pod-autoscaler-* options
    hpa_sync_period_s: float = 15.0
    hpa_tolerance: float = 0.1
    """How far a metric may be from its target, as a share; an HPA may have its own (KEP-4951)."""
    hpa_downscale_stabilization_s: float = 300.0
    """The window of scaling down where an HPA names none."""
    hpa_cpu_initialization_period_s: float = 300.0
    """For so long after a Pod's start, CPU samples count only while it is Ready and for a whole window since."""
    hpa_initial_readiness_delay_s: float = 30.0
    """A Pod that became unready so soon after its start was never Ready."""

    # -- disruptions: disruption.go, kubectl drain
    disruption_deletion_timeout_s: float = 120.0
    """How long a budget counts an evicted Pod as gone before its deletion is seen."""
    drain_retry_s: float = 5.0
    """From an eviction that a budget refused to kubectl's next try."""
    drain_poll_s: float = 1.0
    """How often kubectl looks whether an evicted Pod is gone."""

    # -- quotas: kube-controller-manager's --resource-quota-sync-period
    quota_resync_s: float = 300.0
    """How often what is used of a quota is counted anew although nothing was heard."""
    statefulset_max_unavailable: int = 1
    statefulset_revision_history: int = 10
    daemonset_max_unavailable: int = 1
    daemonset_max_surge: int = 0
    daemonset_revision_history: int = 10
    daemonset_sync_batch_s: float = 0.05
    """From a change of its Pods to the controller acting on it: kube-controller-manager sends 20 requests a second
    (--kube-api-qps), and each look at a DaemonSet ends with one."""
    daemonset_failed_backoff_initial_s: float = 1.0
    """Until a daemon Pod that has failed is deleted for the second time on its node; doubles up to 15 minutes."""
    daemonset_failed_backoff_max_s: float = 900.0

    # -- Jobs and CronJobs: their documentation, job_controller.go, cronjob_controllerv2.go
    job_backoff_limit: int = 6
    job_backoff_initial_s: float = 10.0
    job_backoff_max_s: float = 360.0
    """Between tries 10 s, 20 s, 40 s ..., "capped at six minutes" (documentation; the code's own cap is ten)."""
    job_sync_batch_s: float = 1.0
    """From a change of a Job's Pods to the controller acting on it, so that many changes are one."""
    job_run_s: float = 5.0
    """What a container of a Job takes when neither its app nor a `sleep` in its command says so."""
    cronjob_delay_s: float = 0.1
    """After the moment of the schedule, so that it is certainly over."""
    cronjob_successful_history: int = 3
    cronjob_failed_history: int = 1

    # -- kube-proxy: v1alpha1/defaults.go
    proxy_sync_period_s: float = 30.0
    proxy_min_sync_period_s: float = 1.0
    proxy_ipvs_min_sync_period_s: float = 0.0
    """minSyncPeriod of kube-proxy in ipvs mode."""
    proxy_sync_latency_s: float = 0.05
    """What one run of iptables-restore or nft takes; drawn anew for each node within +-50 %."""
    proxy_healthz_port: int = 10256
    ipvs_scheduler: str = "rr"
    """How ipvs picks an endpoint: rr (in turn), lc (least connections) or sh (source hashing)."""
    conntrack_max: int = 131072
    conntrack_tcp_established_s: float = 86400.0
    conntrack_tcp_close_wait_s: float = 3600.0
    conntrack_tcp_syn_sent_s: float = 120.0
    conntrack_tcp_fin_wait_s: float = 120.0
    """nf_conntrack_tcp_timeout_fin_wait; kube-proxy sets only those of ESTABLISHED and CLOSE_WAIT."""
    conntrack_tcp_close_s: float = 10.0
    conntrack_tcp_time_wait_s: float = 120.0
    conntrack_udp_unreplied_s: float = 30.0
    conntrack_udp_stream_s: float = 120.0
    conntrack_sctp_established_s: float = 210.0
    conntrack_sctp_closed_s: float = 10.0
    affinity_timeout_s: float = 10800.0
    tcp_syn_retries: int = 6
    """SYNs at 0, 1, 3, 7, 15, 31 and 63 s; the kernel gives up at about 127 s."""

    # -- network plugin
    policy_sync_latency_s: float = 0.05
    """From the moment the plugin sees a NetworkPolicy, Pod or Namespace to the moment it enforces what follows."""

    # -- DNS: CoreDNS plugin documentation, resolv.conf(5)
    dns_ndots: int = 5
    dns_timeout_s: float = 5.0
    dns_attempts: int = 2
    dns_ttl_s: float = 30.0
    """The `ttl` of CoreDNS's kubernetes plugin, for denials too; 30 in kubeadm's Corefile, 5 by default."""
    dns_negative_ttl_s: float = 5.0
    """How long a client itself remembers that a name has no address, at most (glibc does not, the JVM 10 s)."""
    dns_service_time_s: float = 0.0003
    dns_cache_success_s: float = 30.0
    """`cache 30`: how long each CoreDNS Pod keeps an answer, at most; 3600 when the plugin has no argument."""
    dns_cache_denial_s: float = 30.0
    """The same for NXDOMAIN and for no data; 1800 when the plugin has no argument."""
    dns_cache_min_s: float = 5.0
    dns_cache_servfail_s: float = 5.0
    dns_cache_cluster_zone: bool = True
    """kubeadm 1.32 and later write `disable success` and `disable denial` for the cluster's domain (PR 128359)."""
    dns_upstream: str = "up"
    """The resolver outside: up, down (it does not answer) or servfail (it answers that it cannot)."""
    dns_forward_read_timeout_s: float = 2.0
    dns_forward_deadline_s: float = 5.0
    """How long CoreDNS's forward plugin goes on trying for one question."""
    dns_forward_max_fails: int = 2
    """Failed health checks until an upstream is taken for down."""
    dns_health_interval_s: float = 0.5
    dns_health_timeout_s: float = 1.0

    # -- links, one way
    link_pod_s: float = 0.00002
    pod_hairpin: bool = True
    """Whether a node hands a Pod what it sent to itself through a Service (`hairpinMode` of the CNI plugin bridge)."""
    link_node_s: float = 0.0001
    link_zone_s: float = 0.0004
    link_internet_s: float = 0.01
    answer_bytes: int = 10240
    """What an answer weighs on a link whose bandwidth is limited; each travels as if it had the link for itself."""

    # -- load balancers: these are the values of the profile gcp; the others' own stand in lab/kube/balancers.py
    load_balancer: str = "gcp"
    """Who answers type LoadBalancer: aws-nlb, gcp, metallb-l2, or none."""
    lb_provision_s: float = 5.0
    """From the Service to its EXTERNAL-IP."""
    lb_quota: int = 0
    """How many load balancers the provider gives at most; 0 for no limit."""
    lb_retry_initial_s: float = 5.0
    """Until the service controller tries again what the provider refused; doubles up to `lb_retry_max_s`."""
    lb_retry_max_s: float = 300.0
    lb_health_interval_s: float = 8.0
    """From one health check of a target to the next (GCE's in cloud-provider-gcp: 8 s, 1 s, 1 up, 3 down)."""
    lb_health_timeout_s: float = 1.0
    lb_healthy_threshold: int = 1
    lb_unhealthy_threshold: int = 3
    lb_local_health_timeout_s: float = 0.0
    """The three before for Services with the external Local policy, where they have another; 0 for the same."""
    lb_local_healthy_threshold: int = 0
    lb_local_unhealthy_threshold: int = 0
    lb_registration_s: float = 0.0
    """From a target's registration to its first health check; it is `initial` until it has passed those it needs."""
    lb_deregistration_delay_s: float = 0.0
    """How long a target is `draining` after its deregistration: no new connections, and the old ones go on."""
    lb_connection_termination: bool = False
    """Whether the balancer resets what is still connected when that time is over (AWS: off for TCP)."""
    lb_unhealthy_termination: bool = False
    """Whether it resets the connections of a target that becomes unhealthy (AWS: on)."""
    lb_fail_open: bool = False
    """Whether it uses all its targets when none is healthy (AWS: "Health checks for NLB target groups")."""
    lb_target_health_poll_s: float = 15.0
    """How often the AWS Load Balancer Controller looks after Pods that are not healthy targets yet."""
    lb_node_sync_s: float = 100.0
    """How often the service controller looks at all nodes anew; their changes it hears of at once."""
