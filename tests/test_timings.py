"""Every default time and limit of Kubernetes that the lab keeps: its setting, its value, and where it shows.

A row for each subject, with the sources that `lab/settings.py` names. Every setting stands in a row, or among those
that are this simulation's own or belong to a subject with tests of its own.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from lab.kube.versions import settings_of
from lab.settings import Settings

TESTS = Path(__file__).parent


class Row(NamedTuple):
    """One subject."""

    what: str
    defaults: dict[str, Any]
    shown_by: tuple[str, ...]
    """`FOLDER/test_file::test_name`, on the virtual clock."""


ROWS = (
    Row(
        "probe: period, timeout, success, failure, initial delay",
        {
            "probe_period_s": 10.0,
            "probe_timeout_s": 1.0,
            "probe_success_threshold": 1,
            "probe_failure_threshold": 3,
            "probe_initial_delay_s": 0.0,
        },
        (
            "cluster/test_kubelet_probes::test_readiness_is_lost_after_period_times_threshold",
            "cluster/test_kubelet_probes::test_an_answer_after_the_timeout_is_a_failure",
            "cluster/test_kubelet_probes::test_a_success_threshold_asks_for_several_in_a_row",
            "cluster/test_kubelet_probes::test_liveness_restarts_after_three_failures",
            "cluster/test_kubelet_start::test_the_first_probe_waits_for_the_initial_delay",
        ),
    ),
    Row(
        "the end of a Pod: grace, preStop inside it, two more seconds",
        {"termination_grace_period_s": 30.0, "sigkill_extension_s": 2.0},
        (
            "cluster/test_kubelet_termination::test_a_deaf_one_is_killed_after_30_s",
            "cluster/test_kubelet_termination::test_a_pre_stop_hook_counts_inside_the_grace_period",
            "cluster/test_kubelet_termination::test_a_hook_longer_than_the_grace_period_leaves_2_s",
        ),
    ),
    Row(
        "CrashLoopBackOff",
        {"crash_backoff_initial_s": 10.0, "crash_backoff_max_s": 300.0, "crash_backoff_reset_s": 600.0},
        (
            "cluster/test_kubelet_restarts::test_back_off_doubles_to_five_minutes",
            "cluster/test_kubelet_restarts::test_back_off_is_forgotten_after_ten_minutes_of_running",
        ),
    ),
    Row(
        "image pull: back-off, one at a time",
        {"pull_backoff_initial_s": 10.0, "pull_backoff_max_s": 300.0, "image_pull_parallel": False},
        (
            "cluster/test_kubelet_start::test_an_image_that_cannot_be_pulled_is_tried_again_after_10_20_and_40_s",
            "cluster/test_kubelet_start::test_a_pull_back_off_ends_at_300_s_and_an_image_that_appears_is_taken",
            "cluster/test_kubelet_start::test_images_are_pulled_one_at_a_time",
        ),
    ),
    Row(
        "leases of nodes",
        {"node_lease_renew_s": 10.0, "node_lease_duration_s": 40.0},
        ("cluster/test_node_lifecycle::test_a_lease_is_renewed_every_10_s",),
    ),
    Row(
        "node monitor: period, grace, grace at the start",
        {"node_monitor_period_s": 5.0, "node_monitor_grace_s": 50.0, "node_startup_grace_s": 60.0},
        (
            "cluster/test_node_lifecycle::test_power_loss_is_noticed_after_40_to_55_s",
            "cluster/test_node_lifecycle::test_a_node_that_never_said_anything_is_given_60_s",
            "test_versions::test_a_silent_node_is_given_up_after_40_s_before_1_32_and_50_s_since",
        ),
    ),
    Row(
        "toleration of a silent node",
        {"node_eviction_toleration_s": 300.0},
        (
            "cluster/test_admission::test_a_pod_outlasts_a_silent_node_for_five_minutes",
            "cluster/test_node_lifecycle::test_its_pods_are_evicted_300_s_later_and_stay_terminating",
        ),
    ),
    Row(
        "evictions by zone",
        {
            "node_eviction_rate_per_s": 0.1,
            "node_unhealthy_zone_threshold": 0.55,
            "node_secondary_eviction_rate_per_s": 0.01,
            "node_large_cluster_size": 50,
        },
        (
            "cluster/test_node_lifecycle::test_nodes_of_a_zone_are_given_up_10_s_apart",
            "cluster/test_node_lifecycle::test_a_small_zone_that_lost_55_percent_is_not_evicted",
            "cluster/test_node_lifecycle::test_the_55_percent_are_a_bound_that_54_do_not_reach",
            "cluster/test_node_lifecycle::test_a_large_zone_that_lost_55_percent_is_evicted_ten_times_as_slowly",
            "cluster/test_node_lifecycle::test_when_every_zone_is_gone_nobody_is_evicted",
        ),
    ),
    Row(
        "a Pod's start within 5 s, and its conditions in order",
        {},
        (
            "cluster/test_kubelet_start::test_a_pod_without_pull_and_init_starts_well_within_the_objective_of_5_s",
            "cluster/test_kubelet_start::test_a_pod_goes_through_every_condition_in_order",
        ),
    ),
    Row(
        "EndpointSlices: batch, endpoints in a slice, retries",
        {
            "endpointslice_batch_period_s": 0.0,
            "endpointslice_max_endpoints": 100,
            "controller_retry_initial_s": 1.0,
            "controller_retry_max_s": 1000.0,
        },
        (
            "cluster/test_endpointslice_controller::test_a_terminating_pod_still_serves_within_20_ms_of_its_deletion",
            "cluster/test_endpointslice_controller::test_changes_are_gathered_for_the_batch_period",
            "cluster/test_endpointslice_controller::test_a_slice_holds_a_hundred_endpoints",
            "cluster/test_work_queue::test_a_controller_tries_again_after_1_s_and_at_last_after_1000_s",
        ),
    ),
    Row(
        "kube-proxy: sync periods, health",
        {
            "proxy_sync_period_s": 30.0,
            "proxy_min_sync_period_s": 1.0,
            "proxy_ipvs_min_sync_period_s": 0.0,
            "proxy_healthz_port": 10256,
        },
        (
            "network/test_proxy::test_further_changes_wait_for_the_minimum_sync_period",
            "network/test_proxy::test_it_is_healthy_for_two_sync_periods_after_its_last_run",
            "network/test_ipvs::test_changes_are_programmed_without_a_pause_between",
            "network/test_load_balancer::test_a_stopped_kube_proxy_refuses_the_check",
        ),
    ),
    Row(
        "conntrack: what kube-proxy sets",
        {
            "conntrack_tcp_established_s": 24 * 3600.0,
            "conntrack_tcp_close_wait_s": 3600.0,
            "conntrack_max": max(32768 * 4, 131072),
        },
        (
            "network/test_conntrack::test_an_established_connection_that_nobody_uses_goes_when_the_table_is_full_after_a_day",
            "network/test_conntrack_entries::test_a_connection_from_its_syn_to_time_wait",
            "network/test_conntrack_entries::"
            "test_a_server_that_ends_leaves_its_clients_connection_in_close_wait_unless_its_node_is_dead",
        ),
    ),
    Row(
        "conntrack: what the kernel has",
        {
            "conntrack_udp_unreplied_s": 30.0,
            "conntrack_udp_stream_s": 120.0,
            "conntrack_tcp_syn_sent_s": 120.0,
            "conntrack_tcp_time_wait_s": 120.0,
            "conntrack_tcp_fin_wait_s": 120.0,
            "conntrack_tcp_close_s": 10.0,
            "conntrack_sctp_established_s": 210.0,
            "conntrack_sctp_closed_s": 10.0,
        },
        (
            "network/test_conntrack::test_udp_lives_30_s_and_as_a_stream_that_was_answered_120_s",
            "network/test_conntrack::test_a_syn_without_a_reply_is_remembered_120_s_after_it_was_last_repeated",
            "network/test_conntrack::test_how_a_connection_ended_tells_how_long_it_is_remembered",
            "network/test_conntrack_entries::test_udp_and_sctp_have_their_own_times",
        ),
    ),
    Row(
        "a connection to where packets are dropped, and where they are refused",
        {"tcp_syn_retries": 6},
        (
            "traffic/test_exchange::test_a_dropped_connection_hangs_until_the_client_or_the_kernel_gives_up",
            "traffic/test_exchange::test_a_rejected_connection_is_refused_after_one_round_trip",
            "network/test_routing_rules::test_rule_21_nothing_usable_anywhere_is_refused_at_once",
            "network/test_routing_rules::test_rule_22_usable_elsewhere_but_not_here_is_dropped_under_local",
        ),
    ),
    Row(
        "sessionAffinity ClientIP",
        {"affinity_timeout_s": 10800.0},
        ("network/test_conntrack::test_affinity_forgets_those_whose_time_is_over",),
    ),
    Row(
        "CoreDNS: kubeadm's ttl 30 and cache 30, the least and SERVFAIL 5 s, forward",
        {
            "dns_ttl_s": 30.0,
            "dns_cache_success_s": 30.0,
            "dns_cache_denial_s": 30.0,
            "dns_cache_min_s": 5.0,
            "dns_cache_servfail_s": 5.0,
            "dns_forward_read_timeout_s": 2.0,
            "dns_forward_max_fails": 2,
            "dns_forward_deadline_s": 5.0,
            "dns_health_interval_s": 0.5,
            "dns_health_timeout_s": 1.0,
        },
        (
            "network/test_dns_records::test_each_coredns_pod_remembers_what_it_has_answered",
            "network/test_dns_records::test_a_denial_outlives_the_creation_of_the_name",
            "network/test_dns_records::test_an_upstream_that_says_servfail_is_believed_for_five_seconds",
            "network/test_dns_records::test_an_upstream_that_is_silent_costs_six_seconds_and_then_two_an_attempt",
        ),
    ),
    Row(
        "resolv.conf",
        {"dns_ndots": 5, "dns_timeout_s": 5.0, "dns_attempts": 2},
        (
            "network/test_dns::test_longer_names_go_through_more_of_the_search_path",
            "network/test_dns::test_no_way_to_coredns_means_two_attempts_of_five_seconds",
        ),
    ),
    Row(
        "Deployment",
        {
            "deployment_max_surge": "25%",
            "deployment_max_unavailable": "25%",
            "deployment_progress_deadline_s": 600.0,
            "deployment_revision_history": 10,
        },
        (
            "cluster/test_deployment_controller::test_surge_rounds_up_and_unavailable_rounds_down",
            "cluster/test_deployment_controller::test_a_rollout_that_does_not_move_exceeds_its_progress_deadline",
            "cluster/test_deployment_controller::test_only_so_many_old_replica_sets_are_kept",
        ),
    ),
    Row(
        "horizontal autoscaler",
        {
            "hpa_sync_period_s": 15.0,
            "hpa_tolerance": 0.1,
            "hpa_downscale_stabilization_s": 300.0,
            "hpa_initial_readiness_delay_s": 30.0,
            "hpa_cpu_initialization_period_s": 300.0,
        },
        (
            "cluster/test_autoscaler::test_it_looks_every_15_seconds",
            "cluster/test_autoscaler::test_within_a_tenth_of_the_target_nothing_is_done",
            "cluster/test_autoscaler::test_without_a_behavior_one_step_goes_to_twice_the_replicas_or_to_four",
            "cluster/test_autoscaler::test_replicas_are_taken_away_only_when_nobody_asked_for_more_within_300_seconds",
            "cluster/test_replica_calculator::test_when_the_cpu_of_a_pod_says_something",
        ),
    ),
    Row(
        "load balancer gcp: 8 s, 1 s, 1 up, 3 down",
        {
            "load_balancer": "gcp",
            "lb_health_interval_s": 8.0,
            "lb_health_timeout_s": 1.0,
            "lb_healthy_threshold": 1,
            "lb_unhealthy_threshold": 3,
            "lb_local_health_timeout_s": 0.0,
            "lb_local_healthy_threshold": 0,
            "lb_local_unhealthy_threshold": 0,
            "lb_registration_s": 0.0,
            "lb_deregistration_delay_s": 0.0,
            "lb_connection_termination": False,
            "lb_unhealthy_termination": False,
            "lb_fail_open": False,
        },
        (
            "network/test_load_balancer::test_a_dead_node_is_noticed_after_the_threshold_and_not_before",
            "network/test_load_balancer::test_a_node_needs_as_many_good_checks_as_the_settings_say",
        ),
    ),
    Row(
        "the service controller: retries, the look at all nodes",
        {
            "lb_provision_s": 5.0,
            "lb_quota": 0,
            "lb_retry_initial_s": 5.0,
            "lb_retry_max_s": 300.0,
            "lb_node_sync_s": 100.0,
        },
        (
            "cluster/test_load_balancer::test_an_address_comes_after_the_provisioning_time",
            "cluster/test_load_balancer::"
            "test_beyond_the_quota_the_controller_tries_again_after_5_s_and_doubles_up_to_300_s",
            "network/test_load_balancer::test_a_node_list_that_the_provider_did_not_take_is_sent_again",
        ),
    ),
    Row(
        "the AWS Load Balancer Controller's look at targets",
        {"lb_target_health_poll_s": 15.0},
        ("network/test_balancer_profiles::test_a_pods_gate_is_looked_after_every_15_s_until_it_is_a_healthy_target",),
    ),
    Row(
        "topology hints: 20 % overload, enough endpoints, more than one zone",
        {},
        (
            "cluster/test_topology_hints::test_too_few_or_unevenly_many_endpoints_get_no_hints",
            "cluster/test_topology_hints::test_one_zone_or_a_node_without_a_zone_make_shares_unknown",
        ),
    ),
    Row(
        "bands of node ports and cluster IPs",
        {"node_port_range": "30000-32767", "service_cidr": "10.96.0.0/12", "pod_cidr": "10.244.0.0/16"},
        (
            "cluster/test_addresses::test_the_static_band_of_node_ports_is_30000_to_30085",
            "cluster/test_addresses::test_the_static_band_of_addresses",
        ),
    ),
)

PROFILES = (
    Row(
        "aws-nlb",
        {
            "lb_health_interval_s": 10.0,
            "lb_health_timeout_s": 10.0,
            "lb_healthy_threshold": 3,
            "lb_unhealthy_threshold": 3,
            "lb_local_health_timeout_s": 6.0,
            "lb_local_healthy_threshold": 2,
            "lb_local_unhealthy_threshold": 2,
            "lb_registration_s": 180.0,
            "lb_deregistration_delay_s": 300.0,
            "lb_connection_termination": False,
            "lb_unhealthy_termination": True,
            "lb_fail_open": True,
        },
        (
            "network/test_balancer_profiles::"
            "test_a_target_of_an_nlb_is_initial_for_180_s_and_then_passes_three_checks_10_s_apart",
            "network/test_balancer_profiles::test_under_the_local_policy_two_checks_are_enough",
            "network/test_balancer_profiles::test_a_dead_node_is_out_after_three_checks_or_two_with_the_local_policy",
            "network/test_balancer_profiles::test_a_deregistered_target_drains_for_300_s",
            "network/test_balancer_profiles::test_it_fails_open_when_every_target_is_unhealthy",
            "network/test_balancer_profiles::test_it_resets_the_connections_of_a_target_that_becomes_unhealthy",
        ),
    ),
    Row(
        "metallb-l2",
        {
            "lb_provision_s": 0.1,
            "lb_health_interval_s": 1.0,
            "lb_health_timeout_s": 0.5,
            "lb_healthy_threshold": 1,
            "lb_unhealthy_threshold": 5,
        },
        (
            "network/test_balancer_profiles::test_a_dead_announcer_is_replaced_after_memberlists_five_silent_seconds",
            "cluster/test_load_balancer::test_each_profile_gives_an_address_in_its_own_time_and_words",
        ),
    ),
)

ELSEWHERE = {
    "this simulation's own": (
        "kubernetes watch_latency_s workload_headroom scheduler_latency_s sandbox_start_s image_pull_s "
        "container_start_s init_container_run_s kubelet_status_latency_s endpoints_batch_period_s "
        "endpoints_most_services proxy_sync_latency_s ipvs_scheduler policy_sync_latency_s dns_negative_ttl_s "
        "dns_service_time_s dns_cache_cluster_zone dns_upstream link_pod_s link_node_s link_zone_s link_internet_s "
        "answer_bytes pod_hairpin cluster_domain cluster_dns_ip node_cpu node_memory node_pods"
    ),
    "test_pod_gc": "pod_gc_period_s pod_gc_quarantine_s pod_gc_terminated_threshold",
    "test_metrics_server": "metrics_server metrics_resolution_s metrics_fresh_container_s",
    "test_disruption, test_drain": "disruption_deletion_timeout_s drain_retry_s drain_poll_s",
    "test_resource_quota": "quota_resync_s",
    "test_statefulset_controller": "statefulset_max_unavailable statefulset_revision_history",
    "test_daemonset_controller": (
        "daemonset_max_unavailable daemonset_max_surge daemonset_revision_history daemonset_sync_batch_s "
        "daemonset_failed_backoff_initial_s daemonset_failed_backoff_max_s"
    ),
    "test_job_controller": "job_backoff_limit job_backoff_initial_s job_backoff_max_s job_sync_batch_s job_run_s",
    "test_cronjob_controller": "cronjob_delay_s cronjob_successful_history cronjob_failed_history",
}
"""The settings that stand in no row, by who tests them."""


@cache
def names_in(name: str) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse((TESTS / f"{name}.py").read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_default_is_kubernetes_own(row: Row) -> None:
    settings = Settings()
    assert {name: getattr(settings, name) for name in row.defaults} == row.defaults


@pytest.mark.parametrize("row", PROFILES, ids=lambda row: row.what)
def test_a_profile_has_its_providers_values(row: Row) -> None:
    settings = settings_of({"load_balancer": row.what})
    assert {name: getattr(settings, name) for name in row.defaults} == row.defaults


@pytest.mark.parametrize("row", [*ROWS, *PROFILES], ids=lambda row: row.what)
def test_each_shows_in_tests_on_the_virtual_clock(row: Row) -> None:
    missing = [each for each in row.shown_by if each.partition("::")[2] not in names_in(each.partition("::")[0])]
    assert (missing, bool(row.shown_by)) == ([], True)


def test_every_setting_has_its_place() -> None:
    rows = [name for row in ROWS for name in row.defaults]
    others = [name for names in ELSEWHERE.values() for name in names.split()]
    fields = {field.name for field in msgspec.structs.fields(Settings)}
    assert fields - {*rows, *others} == set(), "put these into a row, with the tests in which they show, or ELSEWHERE"
    assert {*rows, *others} - fields == set()
    assert len({*rows, *others}) == len(rows) + len(others)
