"""The same results from one process, from several, and from a Dask cluster that loses a worker."""

import os

import pytest

from lab.cli import main
from lab.kube.errors import LabError
from lab.sweep import runners
from lab.sweep.output import sweep_lines
from lab.sweep.plan import plan
from lab.sweep.runners import on_dask, on_this_machine

TEXT = """\
name: likely
duration: 10s
vars: {rate: 20}
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
apps: [{image: web, error_rate: 10%}]
traffic: [{from: pod/client, to: "http://web/", rate: "${rate}"}]
expect: [errors <= 20, success >= 50%, "cluster-ip web != 10.0.0.1"]
"""


@pytest.fixture
def wanted(tmp_path):
    path = tmp_path / "likely.yaml"
    path.write_text(TEXT)
    return plan(str(path), seeds=4, settings=["rate=20,40"])


def told(made):
    return sorted((each.case, each.result.journal, each.result.checks) for each in made)


def test_several_processes_give_what_one_gives(wanted):
    one, several = told(on_this_machine(wanted, 1)), told(on_this_machine(wanted, 2))
    assert one == several
    assert len({journal for _, journal, _ in one}) == 8


def test_the_table_has_a_part_for_each_setting(wanted):
    lines = list(sweep_lines(on_this_machine(wanted, 1)))
    assert [line for line in lines if line.startswith("rate=")] == ["rate=20: 4 runs", "rate=40: 4 runs"]
    assert lines[1].split() == ["CHECK", "HOLDS", "MEDIAN", "P5", "P95", "LEAST", "MOST"]
    assert lines[4].startswith("cluster-ip web != 10.0.0.1 (at 10s)   100.0% [51.0%, 100.0%]   -")


def test_from_the_shell_with_every_figure_as_csv(wanted, tmp_path, capsys):
    status = main(
        ["sweep", wanted.file, "--seeds", "2", "--set", "rate=20,40", "-j", "1", "--csv", f"{tmp_path}/o.csv"]
    )
    assert status == 0
    assert "rate=40: 2 runs" in capsys.readouterr().out
    rows = (tmp_path / "o.csv").read_text().splitlines()
    assert rows[0] == "rate,variant,seed,check,holds,figure,message,journal"
    assert len(rows) == 1 + 2 * 2 * 3
    assert rows[1].startswith("20,,1,errors <= 20 (0s to 10s),")


def test_without_distributed_it_is_said_how_to_get_it(wanted, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(runners, "import_module", missing)
    with pytest.raises(LabError, match="service-lab\\[dask\\]"):
        list(on_dask(wanted, "tcp://127.0.0.1:1"))


# -- a real cluster on this machine ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made:
        yield made


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_gives_what_one_process_gives_also_when_a_worker_is_lost(wanted, cluster):
    made = on_dask(wanted, cluster.scheduler_address)
    first = next(made)
    victim = next(iter(cluster.workers.values()))
    os.kill(victim.pid, 9)  # a process that this test has started
    assert told([first, *made]) == told(on_this_machine(wanted, 1))


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_is_not_there_is_told(wanted, cluster, monkeypatch):
    monkeypatch.setattr(runners, "_PATIENCE_S", 0.5)
    with pytest.raises(LabError, match="there is no Dask scheduler to be reached"):
        list(on_dask(wanted, "tcp://127.0.0.1:1"))
