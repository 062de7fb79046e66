"""`simdyn study` from a shell's point of view; the top-level program turns InputError into exit code 2."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from simdyn.cli.study import app
from simdyn.errors import InputError
from simdyn.study.definition import settings_record
from simdyn.study.storage import Manifest, open_folder


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
    # Which cell is the last to end is not said: those of one thread run side by side.
    assert re.search(r"\[\d/9\] thresholds: rate = \d, threshold = \d: done", first.stderr)
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


def test_resume_insists_on_a_run(toy_file, tmp_path):
    assert "holds no study to resume" in refusal("run", toy_file, "--out", tmp_path / "out", "--resume")
    assert not (tmp_path / "out").exists()


def test_a_new_study_runs_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = invoke("new", "my_wells")
    assert made.exit_code == 0, made.output
    assert "simdyn study run my_wells.py --quick --out results/my_wells" in made.stdout
    (tmp_path / "s.toml").write_text("temperatures = [0.1, 0.15, 0.2]\ntarget_error = 0.1\n")
    words = ["run", "my_wells.py", "--quick", "--out", "out", "--settings", "s.toml"]
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    data = pd.read_csv("out/results.csv")
    # Three independent means, each within 4.5 standard errors of its exact value: false alarm 2e-5.
    assert (np.abs(data.steps / data.exact - 1) < 4.5 * data.relative_error).all()
    assert (data.relative_error <= 0.1).all()  # each ran until its error was met
    assert json.loads((tmp_path / "out" / "claims.json").read_text())[0]["predicted"] == 0.25
    assert "my_wells" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("taken", "exists"),
        ("two words", "identifier"),
        ("../up", "identifier"),
        ("wu2018", "a study that simdyn ships"),
    ],
)
def test_a_new_study_overwrites_nothing(tmp_path, monkeypatch, name, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.py").write_text("mine")
    assert named in refusal("new", name)
    assert [item.name for item in tmp_path.iterdir()] == ["taken.py"]
    assert (tmp_path / "taken.py").read_text() == "mine"


def test_all_claims_in_one_page(tmp_path, toy_file, toy):
    for seed in (1, 2):
        invoke("run", toy_file, "--out", tmp_path / "results" / f"toy{seed}", "--quick", "--seed", seed)
    with open_folder(tmp_path / "results" / "half", begun(toy)):
        pass
    page = tmp_path / "all.html"
    result = invoke("report", "--all", tmp_path / "results", tmp_path / "results" / "toy1", "--out", page)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("toy  ✓ holds") == 6  # a folder given twice counts once
    assert "toy: not finished" in result.stdout
    assert "xie2021: not run" in result.stdout
    html = page.read_text()
    assert html.count("The mean of an exponential of rate 0.5 is its inverse") == 2
    assert "✓ 6 holds" in html
    assert "not finished" in html
    assert not re.search("<script|src=", html)
    # The claims are those of the runs: one altered changes the page.
    claims = tmp_path / "results" / "toy1" / "claims.json"
    claims.write_text(claims.read_text().replace('"verdict": "holds"', '"verdict": "does not hold"', 1))
    invoke("report", "--all", tmp_path / "results", "--out", page)
    assert "✓ 5 holds" in page.read_text()
    assert "✗ 1 does not hold" in page.read_text()


def test_claims_that_cannot_be_gathered(tmp_path, toy_file):
    assert "holds no study, nor" in refusal("report", "--all", tmp_path)
    assert "no folder" in refusal("report", "--all", tmp_path / "none")
    assert "give one, or --all" in refusal("report", tmp_path, tmp_path)
    invoke("run", toy_file, "--out", tmp_path / "toy", "--quick")
    (tmp_path / "toy" / "claims.json").write_text("[{")
    assert "is not the claims of a study" in refusal("report", "--all", tmp_path)


def begun(study):
    """The manifest of a run of which no cell is finished."""
    return Manifest(
        study=study.name,
        origin="toy.py",
        size="quick",
        settings=settings_record(study.quick),
        entropy=0,
        problem={"title": study.title, "source": study.source, "grids": {}},
        versions={},
    )
