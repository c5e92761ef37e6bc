"""What people run in a Pod with `kubectl exec` is asked from that Pod; of anything else the lab says what there is."""

from __future__ import annotations

import pytest

from lab.commands.parser import take_apart
from lab.commands.words import CommandError, split


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kubectl exec client -- curl http://web/", "curl http://web/ --from pod/client"),
        ("kubectl exec -it client -- curl -sS http://web/ -m 2", "curl http://web/ -sS -m 2 --from pod/client"),
        ("k exec deploy/web -c web -- curl http://db/", "curl http://db/ --from deploy/web"),
        ("kubectl exec -n shop pod/client -- dig db", "dig db --from pod/client -n shop"),
        ("kubectl exec --namespace=shop client -- dig db", "dig db --from pod/client --namespace=shop"),
        ("kubectl -n shop exec client -- nslookup db", "dig db --from pod/client -n shop"),
    ],
)
def test_curl_and_dig_are_asked_from_the_pod(typed: str, meant: str) -> None:
    found, wanted = take_apart(split(typed)), take_apart(split(meant))
    assert found.command is wanted.command
    assert [word.text for word in found.positional] == [word.text for word in wanted.positional]
    assert {name: value and value.text for name, (_, value) in found.flags.items()} == {
        name: value and value.text for name, (_, value) in wanted.flags.items()
    }


@pytest.mark.parametrize(
    "typed",
    ["kubectl exec web -- ss -ltn", "kubectl exec -- curl x", "kubectl exec a b -- curl x", "kubectl exec client --"],
)
def test_anything_else_is_told_what_can_be_run(typed: str) -> None:
    with pytest.raises(CommandError, match="only curl, dig and nslookup"):
        take_apart(split(typed))


def test_an_error_points_at_what_was_typed() -> None:
    with pytest.raises(CommandError) as error:
        take_apart(split("kubectl exec client -- curl --frm x http://web/"))
    assert error.value.shown("kubectl exec client -- curl --frm x http://web/").splitlines()[2].index("^") == 30
