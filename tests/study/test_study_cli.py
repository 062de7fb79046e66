"""`simdyn study` from a shell's point of view; the top-level program turns InputError into exit code 2."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from simdyn.cli.study import app
from simdyn.errors import InputError


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def refusal(*words):
    result = invoke(*words)
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


def test_run_goes_on_and_report_repeats(tmp_path, toy_file):
    out = tmp_path / "out"
    first = invoke("run", toy_file, "--out", out, "--quick", "--seed", 2)
    assert first.exit_code == 0, first.output
    assert first.stdout.count("✓ holds") == 3
    assert "[9/9] thresholds: rate = 2, threshold = 2: done" in first.stderr
    assert "escapes, 0.0 % censored, relative error 1.6 %" in first.stderr
    csv = (out / "results.csv").read_bytes()
    # Size and seed are the folder's when not given.
    again = invoke("run", toy_file, "--out", out)
    assert again.exit_code == 0, again.output
    assert "9 cells, 9 of them already stored" in again.stderr
    (out / "report.html").unlink()
    assert invoke("report", out, "--study", toy_file).exit_code == 0
    assert (out / "report.html").exists()
    assert (out / "results.csv").read_bytes() == csv


def test_report_never_runs_a_file_because_a_folder_names_it(tmp_path, toy_file):
    invoke("run", toy_file, "--out", tmp_path / "out", "--quick")
    assert f"add --study {toy_file}" in refusal("report", tmp_path / "out")


def test_interrupt_says_what_is_kept(tmp_path, toy_file, monkeypatch):
    from simdyn.study.progress import LogProgress

    def press(self, cell, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(LogProgress, "cell_finished", press)
    result = invoke("run", toy_file, "--out", tmp_path / "out", "--quick")
    assert result.exit_code != 0
    assert "the same command goes on from there" in result.stderr
    assert len(list((tmp_path / "out" / "shards").iterdir())) == 1


def test_show_lists_the_cells_of_both_sizes(toy_file):
    result = invoke("show", toy_file)
    assert result.exit_code == 0, result.output
    assert "--quick: 9 cells" in result.stdout
    assert "rate = 0.5, 1, 2 1/steps" in result.stdout


def test_list_names_every_shipped_study():
    from simdyn.study import study_names

    result = invoke("list")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == study_names()


@pytest.mark.parametrize(
    "command", [["show", "nonsuch"], ["run", "nonsuch", "--out", "x"], ["run", "a.py", "--out", "x"]]
)
def test_unknown_study(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command[1] in refusal(*command)
    assert list(tmp_path.iterdir()) == []


def test_nearest_name_is_suggested(monkeypatch):
    monkeypatch.setattr("simdyn.study.discovery.study_names", lambda: ["wu2018", "xie2021"])
    assert "did you mean xie2021" in refusal("show", "xie2012")


def test_report_of_an_empty_folder(tmp_path):
    assert "holds no study" in refusal("report", tmp_path)
