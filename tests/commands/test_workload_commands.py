"""DaemonSets, StatefulSets, Jobs and CronJobs as they are typed, listed and described, on a whole cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.complete import complete
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.kinds.cronjob import CronJob
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.job import Job
from lab.kube.kinds.pod import Pod
from lab.kube.manifest import loads
from lab.traffic.app import AppSpec
from tests.commands.test_on_engine import give, ok

MANIFESTS = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: shop/agent:1, ports: [{containerPort: 9100}]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - {name: db, image: "postgres:17", ports: [{containerPort: 5432}], volumeMounts: [{name: data, mountPath: /d}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: batch}
spec: {selector: {app: batch}, ports: [{port: 80}], publishNotReadyAddresses: true}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: "*/2 * * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: batch}}
        spec: {restartPolicy: Never, containers: [{name: main, image: shop/backup:1}]}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    apps = (AppSpec(image="shop/backup:1", runs_s=20.0), AppSpec(image="shop/broken:1", runs_s=1.0, exit_code=3))
    made = Engine(ClusterSpec(nodes=plain_nodes(3, ["zone-a", "zone-b"])), seed=3, apps=apps)
    made.boot()
    made.apply(loads(MANIFESTS).objects)
    assert made.settle() == []
    yield made
    made.close()


def rows(engine: Engine, text: str) -> list[list[str]]:
    return [line.split() for line in ok(engine, text)]


# -- DaemonSets -------------------------------------------------------------------------------------------------------


def test_daemon_sets_are_listed_as_kubectl_lists_them(engine: Engine) -> None:
    heading, row = ok(engine, "kubectl get ds")
    assert heading == "NAME    DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE"
    assert row.split()[:7] == ["agent", "3", "3", "3", "3", "3", "<none>"]
    nodes = [line.split()[6] for line in ok(engine, "kubectl get pods -l app=agent -o wide")[1:]]
    assert sorted(nodes) == ["worker-1", "worker-2", "worker-3"]
    described = ok(engine, "kubectl describe ds agent")
    assert "Number of Nodes Scheduled with Up-to-date Pods:  3" in described
    assert (
        "Pods Status:                                     3 Running / 0 Waiting / 0 Succeeded / 0 Failed" in described
    )


def test_a_daemon_set_is_restarted_node_by_node(engine: Engine) -> None:
    before = rows(engine, "kubectl get pods -l app=agent -o name")
    assert ok(engine, "kubectl rollout restart ds/agent") == ["daemonset.apps/agent restarted"]
    execution = give(engine, "kubectl rollout status ds agent", 120.0)
    assert execution.done
    assert execution.output == [
        "Waiting for daemon set spec update to be observed...",
        'Waiting for daemon set "agent" rollout to finish: 0 out of 3 new pods have been updated...',
        'Waiting for daemon set "agent" rollout to finish: 1 out of 3 new pods have been updated...',
        'Waiting for daemon set "agent" rollout to finish: 2 out of 3 new pods have been updated...',
        'Waiting for daemon set "agent" rollout to finish: 2 of 3 updated pods are available...',
        'daemon set "agent" successfully rolled out',
    ]
    after = rows(engine, "kubectl get pods -l app=agent -o name")
    assert not [name for name in after if name in before]


def test_a_daemon_set_goes_back_to_an_earlier_template(engine: Engine) -> None:
    ok(engine, "kubectl set image ds/agent agent=shop/agent:2", 60.0)
    history = rows(engine, "kubectl rollout history ds/agent")
    assert history[2:] == [["1", "<none>", "shop/agent:1"], ["2", "<none>", "shop/agent:2"]]
    assert ok(engine, "kubectl rollout undo ds/agent", 60.0) == ["daemonset.apps/agent rolled back"]
    assert "shop/agent:1" in ok(engine, "kubectl get ds -o wide")[1]
    revisions = [row[1:3] for row in rows(engine, "kubectl get controllerrevisions")[1:]]
    assert sorted(revisions) == [
        ["daemonset.apps/agent", "2"],
        ["daemonset.apps/agent", "3"],
        ["statefulset.apps/db", "1"],
    ]
    assert ok(engine, "kubectl rollout undo ds/agent --to-revision=3") == [
        "daemonset.apps/agent skipped rollback (current template already matches revision 3)"
    ]


def test_a_cordoned_node_keeps_its_daemons(engine: Engine) -> None:
    ok(engine, "kubectl cordon worker-1", 10.0)
    assert ok(engine, "kubectl get ds")[1].split()[1:4] == ["3", "3", "3"]
    on_first = [row[0] for row in rows(engine, "kubectl get pods -l app=agent -o wide") if "worker-1" in row]
    ok(engine, f"kubectl delete pod {on_first[0]}", 60.0)
    assert ok(engine, "kubectl get ds")[1].split()[1:4] == ["3", "3", "3"]


def test_a_lost_nodes_daemons_are_cleared_away(engine: Engine) -> None:
    ok(engine, "kubectl delete node worker-3", 90.0)
    assert ok(engine, "kubectl get ds")[1].split()[1:4] == ["2", "2", "2"]
    assert len(ok(engine, "kubectl get pods -l app=agent")) == 3


# -- StatefulSets -----------------------------------------------------------------------------------------------------


def test_a_stateful_sets_pods_have_names_in_dns(engine: Engine) -> None:
    ok(engine, "kubectl run client --image=service-lab/client", 20.0)
    address = engine.store.get(Pod, "db-1").status.pod_ip
    execution = give(engine, "dig db-1.db.default.svc.cluster.local. --from pod/client", 10.0)
    assert any(address in line for line in execution.output)


def test_a_stateful_set_is_scaled_and_told_of(engine: Engine) -> None:
    assert ok(engine, "kubectl get sts")[1].split()[:2] == ["db", "3/3"]
    assert ok(engine, "kubectl scale sts/db --replicas=1", 60.0) == ["statefulset.apps/db scaled"]
    assert [row[0] for row in rows(engine, "kubectl get pods -l app=db")[1:]] == ["db-0"]
    ok(engine, "kubectl scale statefulset db --replicas=2", 60.0)
    assert ok(engine, "kubectl rollout restart sts db") == ["statefulset.apps/db restarted"]
    execution = give(engine, "kubectl rollout status sts db", 120.0)
    assert execution.done
    assert execution.output[-1] == "partitioned roll out complete: 2 new pods have been updated..."
    assert "Pods Status:" in "\n".join(ok(engine, "kubectl describe sts db"))


def test_rollouts_by_hand_have_no_status(engine: Engine) -> None:
    patch = """kubectl patch sts db -p '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}'"""
    ok(engine, patch)
    execution = give(engine, "kubectl rollout status sts db")
    assert execution.error == "error: rollout status is only available for RollingUpdate strategy type"


def test_what_is_not_simulated_is_given_back(engine: Engine) -> None:
    text = "\n".join(ok(engine, "kubectl get sts db -o yaml"))
    assert "volumeClaimTemplates:" in text
    assert "whenDeleted: Delete" in text


# -- Jobs -------------------------------------------------------------------------------------------------------------


def test_a_job_runs_as_long_as_its_command_sleeps(engine: Engine) -> None:
    text = "kubectl create job once --image=busybox:1 -- sh -c 'sleep 30'"
    assert ok(engine, text, 20.0) == ["job.batch/once created"]
    heading, row = ok(engine, "kubectl get jobs once")
    assert heading == "NAME   STATUS    COMPLETIONS   DURATION   AGE"
    assert row.split()[:3] == ["once", "Running", "0/1"]
    engine.run_for(30.0)
    assert ok(engine, "kubectl get job once")[1].split()[:3] == ["once", "Complete", "1/1"]
    assert [row[1:3] for row in rows(engine, "kubectl get pods -l job-name=once")[1:]] == [["0/1", "Completed"]]
    described = "\n".join(ok(engine, "kubectl describe job once"))
    assert "0 Active (0 Ready) / 1 Succeeded / 0 Failed" in described
    assert "Completed" in described


def test_a_job_that_fails_is_tried_until_it_is_given_up(engine: Engine) -> None:
    ok(engine, "kubectl create job broken --image=shop/broken:1", 60.0)
    ok(engine, """kubectl patch job broken -p '{"spec":{"backoffLimit":2}}'""")
    engine.run_for(120.0)
    assert ok(engine, "kubectl get job broken")[1].split()[:3] == ["broken", "Failed", "0/1"]
    codes = [pod.status.container_statuses[0].state.exit_code for pod in engine.store.list(Pod) if "broken" in pod.name]
    assert codes == [3, 3, 3]
    ok(engine, "kubectl delete job broken", 5.0)
    assert not [pod for pod in engine.store.list(Pod) if "broken" in pod.name]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("kubectl create job x", "either --image or --from must be specified"),
        ("kubectl create job x --image=a --from=cronjob/backup", "cannot specify --image and --from"),
        ("kubectl create job x --from=cronjob/backup -- sleep 1", "cannot specify --from and command"),
        ("kubectl create job x --from=cronjob/backupp", 'cronjobs.batch "backupp" not found'),
        ("kubectl create cronjob x --image=a --schedule='61 * * * *'", "end of range (61) above maximum (59): 61"),
    ],
)
def test_what_is_wrong_with_a_job(engine: Engine, text: str, wrong: str) -> None:
    assert wrong in give(engine, text).error


def test_pods_that_have_ended_are_no_endpoints(engine: Engine) -> None:
    ok(engine, "kubectl create job test --from=cronjob/backup", 10.0)

    def addresses() -> list[str]:
        slices = [one for one in engine.store.list(EndpointSlice) if one.service == "batch"]
        return [address for one in slices for endpoint in one.endpoints for address in endpoint.addresses]

    (pod,) = [pod for pod in engine.store.list(Pod) if pod.name.startswith("test-")]
    assert pod.status.pod_ip in addresses()
    engine.run_for(25.0)
    assert engine.store.get(Pod, pod.name).status.phase == "Succeeded"
    assert pod.status.pod_ip not in addresses()


# -- CronJobs ---------------------------------------------------------------------------------------------------------


def test_a_cron_job_makes_jobs_by_the_clock(engine: Engine) -> None:
    heading = ok(engine, "kubectl get cj")[0]
    assert heading == "NAME     SCHEDULE      TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE"
    engine.run_until(130.0)
    assert ok(engine, "kubectl get cj")[1].split() == [
        "backup",
        "*/2",
        "*",
        "*",
        "*",
        "*",
        "<none>",
        "False",
        "1",
        "10s",
        "7m10s",
    ]
    assert engine.store.get(CronJob, "backup").status.last_schedule_time == 120.0
    engine.run_until(150.0)
    assert [row[:3] for row in rows(engine, "kubectl get jobs")[1:]][-1] == ["backup-29453762", "Complete", "1/1"]
    assert "Last Schedule Time:  Thu, 01 Jan 2026 00:02:00 +0000" in ok(engine, "kubectl describe cronjob backup")
    ok(engine, "kubectl delete cronjob backup", 10.0)
    assert engine.store.list(Job) == []


def test_one_is_made_with_a_line_and_tried_at_once(engine: Engine) -> None:
    text = "kubectl create cronjob tick --image=busybox:1 --schedule='*/5 * * * *' -- sleep 2"
    assert ok(engine, text) == ["cronjob.batch/tick created"]
    ok(engine, "kubectl create job now --from=cronjob/tick", 15.0)
    job = engine.store.get(Job, "now")
    assert job.metadata.annotations["cronjob.kubernetes.io/instantiate"] == "manual"
    assert job.finished is not None
    assert complete(engine, "kubectl create job x --from=cronjob/t") == ["--from=cronjob/tick"]
    kinds = {line.split("/")[0] for line in ok(engine, "kubectl get all -o name")}
    assert {"daemonset.apps", "statefulset.apps", "cronjob.batch", "job.batch", "pod", "service"} <= kinds
