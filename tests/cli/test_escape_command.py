"""`simdyn escape`, in process and through a real shell process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simdyn.cli import run

ROOT = Path(__file__).parent.parent.parent
WELL = "x**4/4 - x**2/2"
SGLD = ["--sgld", "learning_rate=0.1,temperature=0.1"]
PROBLEM = [WELL, *SGLD, "--start", "x=-1", "--exit", "x >= 0", "--seed", "1"]
QUICK = [*PROBLEM, "--paths", "400"]


def shell(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "simdyn.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=6000,
        **options,
    )


@pytest.fixture
def escape(capsys):
    """Runs the command in this process: exit code, standard output, standard error."""

    def call(*arguments):
        code = run(["escape", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def refusal(escape):
    """The one line on standard error of a command that has to be refused."""

    def call(*arguments):
        code, out, err = escape(*arguments)
        assert code == 2
        assert out == ""
        assert err.count("\n") == 1
        assert err.startswith("simdyn: ")
        assert "Traceback" not in err
        return err

    return call


def test_the_table(escape):
    code, out, err = escape(*PROBLEM, "--paths", "20000")
    assert (code, err) == (0, "")
    assert "measured" in out
    assert "95 % interval" in out
    assert "20,000 escapes, 0 censored, 0 diverged" in out
    assert "exact      356.6918" in out
    assert "Kramers" in out
    assert "NOT VALID HERE" in out
    assert "in steps" in out
    assert "first hit" in out


def test_the_example_of_the_help():
    """As typed into a shell: the learning rate and temperature of the first page, on fewer paths."""
    done = shell(
        "escape", WELL, "--sgld", "learning_rate=0.01,temperature=0.1", "--start", "x=-1", "--exit", "x >= 0",
        "--paths", "2000", "--seed", "1",
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
    assert "exact      3270.46" in done.stdout


def test_json_is_one_valid_object(escape):
    code, out, err = escape(*QUICK, "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1

    def refuse(text):
        raise AssertionError(f"{text} is no JSON")

    answer = json.loads(out, parse_constant=refuse)
    assert {
        "estimate",
        "predictions",
        "reference",
        "problem",
        "seed",
        "backend",
        "steps_done",
        "seconds",
        "versions",
    } <= set(answer)
    assert {"value", "low", "high", "unit", "events", "censored", "diverged"} <= set(answer["estimate"])
    assert answer["estimate"]["low"] < answer["estimate"]["value"] < answer["estimate"]["high"]
    assert (answer["estimate"]["unit"], answer["estimate"]["events"], answer["backend"]) == (
        "steps",
        400,
        "cpu",
    )
    assert {"name", "value", "unit", "valid", "why"} <= set(answer["predictions"][0])
    assert {"value", "error", "method"} <= set(answer["reference"])
    assert answer["reference"]["value"] == pytest.approx(356.691801665, rel=1e-8)
    assert answer["seed"] == {"entropy": 1, "spawn_key": []}
    assert answer["problem"]["start"] == [-1.0]
    assert answer["problem"]["dynamics"] == {
        "name": "SGLD",
        "learning_rate": 0.1,
        "temperature": 0.1,
        "batch_size": None,
        "sampling": "without_replacement",
        "momentum": 0.0,
    }
    assert {"simdyn", "numpy", "numba", "python"} <= set(answer["versions"])


def test_the_same_seed_gives_the_same_answer_on_any_number_of_threads(escape):
    def estimate(*more):
        return json.loads(escape(*QUICK, "--json", *more)[1])["estimate"]

    assert estimate("--threads", "1") == estimate("--threads", "2")
    assert estimate("--seed", "2") != estimate()


def test_nothing_escapes(escape):
    cold = [WELL, "--sgld", "learning_rate=0.1,temperature=0.005", "--start", "x=-1", "--exit", "x >= 0"]
    code, out, err = escape(*cold, "--paths", "10", "--max-steps", "100", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["estimate"]["value"] is answer["estimate"]["high"] is None
    assert answer["estimate"]["low"] == pytest.approx(23 + 770 / 3.68888, rel=1e-5)
    assert answer["estimate"]["censored"] == 10
    assert "No path escaped" in err
    code, out, err = escape(*cold, "--paths", "10", "--max-steps", "100")
    assert (code, err) == (0, "")
    assert "lower bound" in out
    assert "inf" not in out
    assert "nan" not in out


def test_paths_that_blow_up_are_said_with_their_share(escape):
    code, out, _ = escape(
        WELL,
        "--sgld",
        "learning_rate=0.9,temperature=0.5",
        "--start",
        "x=-1",
        "--exit",
        "x >= 1e7",
        "--paths",
        "100",
    )
    assert code == 0
    assert "100 of 100 paths (100.00%) blew up; the learning rate" in out


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_pictures(escape, tmp_path, ending):
    picture = tmp_path / f"curve.{ending}"
    code, out, err = escape(*QUICK, "--plot", str(picture))
    assert (code, err) == (0, "")
    assert f"figure: {picture}" in out
    start = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[ending]
    content = picture.read_bytes()
    assert content.startswith(start)
    assert len(content) > 2_000
    escape(*QUICK, "--plot", str(picture))
    assert picture.read_bytes() == content


def test_a_picture_of_no_escape(escape, tmp_path):
    picture = tmp_path / "curve.svg"
    cold = [WELL, "--sgld", "learning_rate=0.1,temperature=0.005", "--start", "x=-1", "--exit", "x >= 0"]
    code, out, err = escape(*cold, "--paths", "10", "--max-steps", "100", "--json", "--plot", str(picture))
    assert code == 0
    json.loads(out)
    assert picture.stat().st_size > 2_000
    assert f"figure: {picture}" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [
            WELL,
            "--sgd",
            "learning_rate=0.1,batch_size=0.5,noise=hessian,floor=0.5",
            "--start",
            "-1",
            "--exit",
            "commit",
        ],
        [WELL, "--sgd", "learning_rate=0.1,batch_size=1,noise=constant,covariance=2", "--exit", "valley"],
        [
            WELL,
            "--sgd",
            "learning_rate=0.1,batch_size=1,noise=1 + x**2",
            "--exit",
            "(x >= 2) | (x <= 0)",
            "--start",
            "0.9",
        ],
        [WELL, "--sgd", "learning_rate=0.1,batch_size=1,noise=none", "--max-steps", "100"],
        [WELL, "--sde", "diffusion=0.2,step=0.05,crossing=none"],
        ["double_well", "--set", "k=4", "--sgld", "learning_rate=0.1,temperature=0.1"],
        ["double_well", "--dim", "2", *SGLD],
        ["muller_brown", "--sgld", "learning_rate=2e-4,temperature=40", "--max-steps", "50"],
        [WELL, *SGLD, "--target-error", "0.1"],
        [WELL, *SGLD, "--dtype", "float32", "--normals", "wide", "--backend", "cpu", "--method", "direct"],
    ],
)
def test_ways_to_ask(escape, arguments):
    code, out, err = escape(*arguments, "--paths", "200", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert (
        answer["estimate"]["events"] + answer["estimate"]["censored"] + answer["estimate"]["diverged"] <= 200
    )


REFUSALS = [
    (["doubel_well", *SGLD], "did you mean double_well?"),
    (["zzz", *SGLD], "'zzz'"),
    (["x**4/4 -", *SGLD], "cannot be read"),
    (["", *SGLD], "formula is empty"),
    (["foo(x) + x**2", *SGLD], "unknown function 'foo'"),
    (["__import__('os').system('touch /tmp/owned')", *SGLD], "not a plain function"),
    (["x.__class__", *SGLD], "not allowed"),
    (["-x**2 + x**4", *SGLD], "in brackets"),
    ([WELL, "--sgld", "learning_rate=-0.1,temperature=0.1"], "learning_rate is -0.1"),
    ([WELL, "--sgld", "learning_rate=nan,temperature=0.1"], "learning_rate is nan"),
    ([WELL, "--sgld", "learning_rate=1e999,temperature=0.1"], "learning_rate is inf"),
    ([WELL, "--sgld", "learning_rate=fast,temperature=0.1"], "The schedule learning_rate=fast uses fast"),
    ([WELL, "--sgld", "learning_rate=0.1,temprature=0.1"], "did you mean temperature?"),
    ([WELL, "--sgld", "learning_rate=0.1"], "lacks temperature"),
    ([WELL, "--sgld", "learning_rate=0.1,temperature"], "'temperature', which is not key=value"),
    ([WELL, "--sgld", "learning_rate=0.1,temperature=0.1,temperature=0.2"], "temperature twice"),
    ([WELL, "--sgld", ""], "not key=value"),
    ([WELL, "--sgdl", "learning_rate=0.1"], "No such option: --sgdl"),
    ([WELL, "--exti", "x >= 0", *SGLD], "--exit"),
    ([WELL], "exactly one of --sgd, --sgld and --sde"),
    ([WELL, *SGLD, "--sde", "diffusion=0.1,step=0.1"], "there was --sgld and --sde"),
    ([WELL, "--sgd", "learning_rate=0.1,batch_size=0,noise=none"], "batch_size is 0"),
    ([WELL, "--sgd", "learning_rate=0.1,batch_size=1,noise=hessian"], "needs floor"),
    ([WELL, "--sgd", "learning_rate=0.1,batch_size=1,noise=hesian"], 'did you mean "hessian"?'),
    ([WELL, "--sgd", "learning_rate=0.1,batch_size=1"], "per-sample losses"),
    ([WELL, "--sgd", "learning_rate=0.1,batch_size=1,noise=-1"], "always negative"),
    (
        [WELL, "--sgd", "learning_rate=0.1,batch_size=1,noise=x", "--start", "x=-1"],
        "not positive semidefinite",
    ),
    (
        ["muller_brown", "--sgd", "learning_rate=1e-4,batch_size=1,noise=constant,covariance=[[1,2],[2,1]]"],
        "eigenvalue -1",
    ),
    (
        ["muller_brown", "--sgd", "learning_rate=1e-4,batch_size=1,noise=[[1,2],[2,1]]"],
        "not positive semidefinite",
    ),
    (["muller_brown", "--sgd", "learning_rate=1e-4,batch_size=1,noise=[1,[2,3]]"], "wrong shape"),
    (["muller_brown", "--sgd", "learning_rate=1e-4,batch_size=1,noise=[[1,2"], "a bracket is not closed"),
    ([WELL, "--sde", "diffusion=-1,step=0.1"], "diffusion is -1"),
    ([WELL, "--sde", "diffusion=1,step=0"], "step is 0"),
    ([WELL, "--sde", "diffusion=1,step=0.1,scheme=rk4"], "scheme is 'rk4'"),
    ([*PROBLEM, "--exit", "x >= -2"], "already fulfils the exit 'x >= -2'"),
    ([*PROBLEM, "--exit", "y >= 0"], "uses y"),
    ([*PROBLEM, "--exit", "x"], "not a condition"),
    ([*PROBLEM, "--exit", "vally"], "not a condition"),
    ([*PROBLEM, "--start", "y=1"], "names 'y'"),
    ([*PROBLEM, "--start", "x=nan"], "must be finite"),
    (["log(x)**2", *SGLD, "--start", "x=-1", "--exit", "x >= 3"], "not finite at the start"),
    (["x**2", *SGLD], "has no rim"),
    ([*PROBLEM, "--paths", "0"], "paths is 0"),
    ([*PROBLEM, "--paths", "many"], "'many'"),
    ([*PROBLEM, "--paths", "9" * 20], "paths is " + "9" * 20),
    ([*PROBLEM, "--paths", "1" + "0" * 14, "--method", "flux"], "The states of 100,000,000,000,000 paths"),
    ([*PROBLEM, "--paths", "1" + "0" * 14, "--method", "splitting"], "The states of 100,000,000,000,000"),
    ([*PROBLEM, "--max-steps", "0"], "max_steps is 0"),
    ([*PROBLEM, "--max-steps", "9" * 20], "max_steps is " + "9" * 20),
    ([*PROBLEM, "--target-error", "2"], "target_error is 2"),
    ([*PROBLEM, "--seed", "-1"], "seed is -1"),
    ([*PROBLEM, "--seed=1.5"], "'1.5'"),
    ([*PROBLEM, "--threads", "0"], "threads is 0"),
    ([*PROBLEM, "--threads", "100000"], "threads is 100000"),
    ([*PROBLEM, "--dtype", "half"], "dtype is 'half'"),
    ([*PROBLEM, "--normals", "pink"], "'pink'"),
    ([*PROBLEM, "--method", "magic"], "method is 'magic'"),
    ([*PROBLEM, "--backend", "tpu"], "one of: auto, cpu, gpu"),
    ([*PROBLEM, "--dim", "2"], "--dim 2"),
    (["styblinski_tang", "--dim", "0", *SGLD], "dim=0"),
    (["styblinski_tang", "--set", "k=abc", *SGLD], "k=abc"),
    (["styblinski_tang", "--set", "q=1", *SGLD], "'q'"),
    ([*PROBLEM, "--plot", "curve.jpg"], "must end in one of"),
    ([*PROBLEM, "--plot", "no/such/folder/curve.pdf"], "does not exist"),
    ([*PROBLEM, "stray"], "stray"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSALS, ids=[message for _, message in REFUSALS])
def test_refusals(refusal, arguments, message):
    assert message in refusal(*arguments)


@pytest.mark.parametrize("index", [0, 5, 8, 17, 27])
def test_refusals_through_the_shell(index):
    arguments, message = REFUSALS[index]
    done = shell("escape", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not Path("/tmp/owned").exists()


def test_a_picture_is_refused_before_the_run(refusal, monkeypatch):
    import simdyn.questions

    def never(*args, **kwargs):
        raise AssertionError("the run has begun")

    monkeypatch.setattr(simdyn.questions, "escape_time", never)
    refusal(*PROBLEM, "--plot", "curve.jpg")
    with pytest.raises(AssertionError, match="begun"):
        run(["escape", *PROBLEM])


def test_a_cache_that_cannot_be_written():
    done = shell("escape", *QUICK, env={**os.environ, "SIMDYN_CACHE": "/dev/null/cache"})
    assert done.returncode == 2
    assert "set SIMDYN_CACHE" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_interrupt_keeps_and_says_what_was_done():
    hard = [WELL, "--sgld", "learning_rate=0.01,temperature=0.03", "--start", "x=-1", "--exit", "x >= 0"]
    # The first run compiles; the second tells how long everything but the measurement takes here.
    shell("escape", *hard, "--paths", "1", "--max-steps", "1")
    begun = time.perf_counter()
    shell("escape", *hard, "--paths", "1", "--max-steps", "1")
    before = time.perf_counter() - begun
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "simdyn.cli",
            "escape",
            *hard,
            "--paths",
            "10000000",
            "--max-steps",
            "10000000",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5 * before + 1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert err.strip() == "simdyn: interrupted"
    assert "measured" in out
    assert "interrupted" in out
    assert "Traceback" not in out


def test_nothing_asked_shows_the_help(capsys):
    assert run([]) == 2
    captured = capsys.readouterr()
    assert "escape" in captured.out + captured.err
    assert "simdyn: \n" not in captured.err


def test_a_misspelt_command(capsys):
    assert run(["escpae", "x"]) == 2
    assert "Did you mean 'escape'?" in capsys.readouterr().err


def test_long_runs_write_a_line_now_and_then(escape, monkeypatch):
    monkeypatch.setattr("simdyn.cli.progress._SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("simdyn.estimators.hill._SECONDS_BETWEEN_REPORTS", 0.0)
    options = [*PROBLEM, "--paths", "1000", "--method", "splitting", "--json"]
    code, out, err = escape(*options)
    assert code == 0
    assert json.loads(out)["problem"]["method"] == "splitting"
    assert "loops: 1,000 paths settle in the well, 100%" in err
    arrived = [int(line.split()[1]) for line in err.splitlines() if line.startswith("splitting: ")]
    assert arrived == sorted(arrived)
    assert 750 <= arrived[-1] <= 1000  # a run ends with at least three quarters of its paths out
    assert "of 1,000 paths are out" in err
    monkeypatch.setattr("simdyn.cli.progress._SECONDS_BETWEEN_LINES", 1000.0)
    assert "paths" not in escape(*options)[2]
