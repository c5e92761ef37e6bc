"""`lab rules` from the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli import main

WEB = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, image: shop/web:1, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    return str(path)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("nftables", ["table ip kube-proxy {", "-default/web/tcp/http {", "dnat to 10.244."]),
        ("iptables", ["*nat", '--comment "default/web:http cluster IP"', "-j DNAT --to-destination 10.244."]),
    ],
)
def test_a_node_of_ones_own_cluster_prints_its_rules(
    manifest: str, mode: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "-f", manifest, "--node", "worker-1", "--service", "web", "--proxy", mode]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in words), printed
    assert "kube-dns" not in printed


def test_a_name_that_is_nobodys_is_said_in_a_sentence(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "-f", manifest, "--node", "worker-1", "--service", "wbe"]) == 2
    assert 'did you mean "web"' in capsys.readouterr().err
