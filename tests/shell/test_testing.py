import json
from xml.etree import ElementTree

import pytest

from lab.cli import main

GOOD = "name: good\nduration: 2s\nexpect: [nodes ready == 3]\n"
BAD = "name: bad\nduration: 2s\nexpect:\n  - nodes ready == 4\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path


def test_all_checks_hold(folder, capsys):
    assert main(["test", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "  ok      nodes ready == 3 (at 2s): 3\n" in out
    assert "1 scenario: 1 passed; 1 check in " in out


def test_a_check_that_fails(folder, capsys):
    (folder / "bad.yaml").write_text(BAD)
    assert main(["test", str(folder), "-q", "--github"]) == 1
    out = capsys.readouterr().out
    assert f"  FAILED  nodes ready == 4 (at 2s): 3  [{folder}/bad.yaml:4]\n" in out
    assert f"::error file={folder}/bad.yaml,line=4,title=bad::nodes ready == 4 (at 2s): 3\n" in out
    assert "nodes ready == 3" not in out


def test_a_file_that_is_wrong_beats_a_check_that_fails(folder):
    (folder / "bad.yaml").write_text(BAD)
    (folder / "wrong.yaml").write_text("name: wrong\nduratoin: 3s\n")
    assert main(["test", str(folder), "-q"]) == 2


def test_a_path_that_leads_nowhere(folder, capsys):
    assert main(["test", f"{folder}/nothing.yaml"]) == 2
    assert capsys.readouterr().err == f"lab: {folder}/nothing.yaml: there is no such file\n"


def test_nothing_to_play_is_not_a_success(folder):
    assert main(["test", str(folder), "-k", "nothing"]) == 2


def test_json_and_junit(folder, capsys):
    assert main(["test", str(folder), "-o", "json", "--junit", f"{folder}/out.xml"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"][0]["scenario"] == "good"
    assert ElementTree.parse(folder / "out.xml").getroot().find("testsuite").get("name") == "good"


def test_a_report_that_cannot_be_written(folder, capsys):
    assert main(["test", str(folder), "--junit", f"{folder}/no/out.xml"]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_update_shows_what_it_would_write_and_writes_nothing_without_being_told(folder, capsys):
    (folder / "bad.yaml").write_text(BAD)
    assert main(["test", str(folder), "-q", "--update"]) == 1
    out = capsys.readouterr().out
    assert "-  - nodes ready == 4\n+  - nodes ready == 3\n" in out
    assert "nothing was written" in out
    assert (folder / "bad.yaml").read_text() == BAD


@pytest.mark.parametrize(("answer", "written"), [("y", BAD.replace("4", "3")), ("", BAD), ("n", BAD)])
def test_update_writes_when_somebody_says_yes(folder, monkeypatch, answer, written):
    (folder / "bad.yaml").write_text(BAD)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    main(["test", str(folder), "-q", "--update"])
    assert (folder / "bad.yaml").read_text() == written
