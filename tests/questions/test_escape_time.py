"""Measured, predicted and exact, side by side."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

import simdyn as sd
from potentials import Potential, double_well, muller_brown, styblinski_tang
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.questions.descent import share_returning

WELL = double_well()
EXACT = 356.691801665


def ask(dynamics=None, start="x=-1", exit="x >= 0", landscape=WELL, **options):
    dynamics = sd.SGLD(0.1, 0.1) if dynamics is None else dynamics
    return sd.escape_time(landscape, dynamics, start, exit, **{"paths": 5_000, "seed": 1, **options})


@pytest.fixture(scope="module")
def answer():
    return ask()


@pytest.fixture(scope="module")
def coupled_answer():
    return ask(sd.SGLD(2e-4, 40.0), "deepest", "valley", muller_brown(), paths=200, max_steps=200)


def test_the_three_answers_stand_side_by_side(answer):
    assert answer.unit == "steps"
    assert answer.reference.value == pytest.approx(EXACT, rel=1e-10)
    assert answer.low < answer.value < answer.high
    # 99.999 % of the time a measured mean of 5,000 escapes lies within 4.5 standard errors of the exact one.
    assert abs(answer.value / EXACT - 1) < 4.5 / math.sqrt(5_000)
    assert (answer.events, answer.censored, answer.diverged) == (5_000, 0, 0)
    assert {p.name for p in answer.predictions} >= {"Kramers"}
    assert all(p.unit == "steps" for p in answer.predictions)
    assert not any(p.valid for p in answer.predictions)
    assert answer.warnings == ()
    assert answer.misclassified is None
    assert answer.exits == {"x >= 0": 1.0}
    assert answer.steps_done == answer.measurement.records.steps.sum()


def test_it_prints_itself(answer):
    text = str(answer)
    for words in ("measured", "exact", "predicted", "steps", "first hit", "95 % interval", "5,000 escapes"):
        assert words in text
    assert "nan" not in text


def test_a_formula_without_a_value_is_shown_with_the_reason():
    """The SDE never crosses the place where its noise vanishes; the discrete rule leaps over it."""
    leaping = ask(sd.SGD(0.2, 1.0, noise="hessian", floor=0.0), paths=500)
    (kramers,) = (p for p in leaping.predictions if p.name == "Kramers")
    assert math.isinf(kramers.value)
    assert "predicted  infinite by Kramers\n             NOT VALID HERE: The noise vanishes" in str(leaping)
    row = leaping.compare().set_index("answer").loc["Kramers"]
    assert row["verdict"] == "not valid here; no finite value"
    assert row["remark"] == kramers.why
    shown = leaping.to_json()["predictions"]
    assert next(p["value"] for p in shown if p["name"] == "Kramers") is None
    legend = leaping.plot().axes[0].get_legend()
    assert "no value here: Kramers" in [text.get_text() for text in legend.get_texts()]
    assert "Xie, Sato & Sugiyama (7)" in " ".join(text.get_text() for text in legend.get_texts())


def test_the_table(answer):
    table = answer.compare()
    assert table["answer"].tolist()[:2] == ["measured", "exact"]
    assert table["ratio"][1] == pytest.approx(EXACT / answer.value)
    assert table.attrs["unit"] == "steps"
    assert table["verdict"][1] in ("inside the 95 % interval", "inside the 99.9 % interval")
    assert all(verdict.startswith("not valid here") for verdict in table["verdict"][2:])


def test_the_json_object(answer):
    record = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert record["estimate"]["value"] == answer.value
    assert record["problem"]["potential"]["name"] == "double_well"
    assert Potential.from_record(record["problem"]["potential"]) == WELL
    assert record["problem"]["exit_kind"] == "hit"
    assert record["problem"]["max_steps"] >= 10_000


def test_the_figure(answer, tmp_path):
    figure = answer.plot(str(tmp_path / "curve.pdf"))
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert "steps" in axes.get_xlabel()
    labels = " ".join(text.get_text() for text in axes.get_legend().get_texts())
    assert "exact mean 356.69" in labels
    assert "exponential fit" in labels
    assert "Kramers" in labels
    assert (tmp_path / "curve.pdf").read_bytes().startswith(b"%PDF")
    for path, named in (
        ("curve.jpeg", "must end in"),
        (str(tmp_path / "no" / "curve.pdf"), "does not exist"),
    ):
        with pytest.raises(InputError, match=f"picture .* {named}"):
            answer.plot(path)
    assert not (tmp_path / "no").exists()


def test_agreement_tells_inside_from_outside(answer):
    from simdyn.questions.comparison import agreement

    assert agreement(answer, answer.value) == "inside the 95 % interval"
    assert agreement(answer, answer.value * (1 + 2.6 / math.sqrt(5_000))) == "inside the 99.9 % interval"
    assert agreement(answer, answer.value * 1.1) == "outside the 99.9 % interval"


def test_threads_seeds_and_repeats(answer):
    assert ask(threads=1).value == ask(threads=2).value == answer.value
    assert ask(seed=np.random.SeedSequence(1)).value == answer.value
    assert ask(seed=2).value != answer.value


def test_sde_times_are_times():
    found = ask(sd.SDE(0.1, 0.01), paths=4_000)
    assert found.unit == "time"
    assert found.reference.unit == "time"
    assert found.reference.value == pytest.approx(30.8213024727, rel=1e-8)
    assert abs(found.value / 30.8213024727 - 1) < 4.5 / math.sqrt(4_000)
    assert "units of time" in str(found)


def test_commitment_takes_longer_and_says_so():
    found = ask(exit="commit", paths=3_000)
    assert found.problem["exit_kind"] == "commit"
    assert found.reference.value == pytest.approx(649.715816755, rel=1e-8)
    assert "commitment" in str(found)


def test_channels():
    found = ask(
        sd.SGD(0.2, 1.0, noise="constant", covariance=2.25),
        "x=0",
        "(x >= 1) | (x <= -1)",
        Potential("x**2/2"),
    )
    assert set(found.exits) == {"x >= 1", "x <= -1"}
    assert sum(found.exits.values()) == pytest.approx(1.0)
    assert abs(found.exits["x >= 1"] - 0.5) < 4.5 * 0.5 / math.sqrt(5_000)
    assert found.reference.value == pytest.approx(44.5381442307, rel=1e-8)
    assert "through" in str(found)


def test_separable_landscapes_have_exact_answers():
    hill = styblinski_tang(dim=2)
    found = ask(sd.SGLD(1e-3, 5.0), "deepest", "valley", hill, paths=1_000)
    assert found.reference is not None
    assert abs(found.value / found.reference.value - 1) < 4.5 / math.sqrt(1_000)
    assert len(found.exits) == 2


def test_no_reference_says_why():
    bent = Potential("x**4/4 - x**2/2 + y**2 + x*y/10")
    found = ask(sd.SGLD(0.1, 0.1), [-1.0, 0.0], "x + y**2 >= 0", bent, paths=200)
    assert found.reference is None
    assert len(found.reference_note) > 20
    assert found.reference_note in str(found)
    assert found.to_json()["reference"] is None


# --- warnings -----------------------------------------------------------------------------------------------


def warned(found, words):
    return any(words in text for text in found.warnings)


def test_nothing_escaped(tmp_path):
    found = ask(sd.SGLD(0.1, 0.01), paths=20, max_steps=300)
    assert found.value == found.high == math.inf
    assert warned(found, "No path escaped within 300 steps")
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["estimate"]["value"] is None
    assert "lower bound" in str(found)
    assert "inf" not in str(found)
    found.plot(str(tmp_path / "curve.svg"))
    table = found.compare()
    assert table["verdict"][1] == "above the lower bound"


def test_few_escapes():
    assert warned(ask(paths=10), "Only 10 paths escaped")
    assert not warned(ask(paths=100), "Only")


def test_blow_ups():
    found = ask(sd.SGLD(0.9, 0.5), exit="x >= 1e7", paths=50)
    assert warned(found, "50 of 50 paths (100.00%) blew up")
    assert not warned(ask(), "blew up")


def test_times_that_are_not_exponential():
    found = ask(sd.SGLD(0.1, 0.3), "x=-1", "commit", paths=20_000)
    assert warned(found, "not exponential")
    assert not warned(ask(sd.SGLD(0.1, 0.05)), "not exponential")


def test_a_valley_whose_planes_misjudge(coupled_answer):
    assert coupled_answer.misclassified > 0.05
    assert warned(coupled_answer, "gradient descent returns")
    honest = Potential("(x**2 - 1)**2/4 + y**2 + x*y/10")
    fair = ask(sd.SGLD(0.02, 0.1), "deepest", "valley", honest, paths=300)
    assert fair.misclassified is not None
    assert fair.misclassified < 0.6


def test_exits_into_the_open_lose_nothing():
    """Beyond the saddle this landscape falls for ever, and gradient descent from there ends in no minimum."""
    landscape = Potential("x**2/2 - x**3/3 + y**2/2 + x*y/10")
    found = ask(sd.SGLD(0.05, 0.1), "deepest", "valley", landscape, paths=200)
    assert found.events + found.diverged == 200
    assert 0 <= found.misclassified < 0.9


def test_where_descent_leads():
    landscape = Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2")
    valley = landscape.valley(np.array([-1.0, 0.0]))
    points = np.array([[-0.9, 0.1], [-0.05, 0.5], [0.05, 0.5], [1.2, 0.3]])
    assert share_returning(landscape, valley, points) == 0.5
    assert share_returning(landscape, valley, points[:2]) == 1.0
    assert share_returning(landscape, valley, points[2:]) == 0.0
    rng = np.random.default_rng(0)
    cloud = rng.uniform(-1.5, 1.5, (40, 2))
    by_search = np.mean([landscape.valley(x).minimum.x[0] < 0 for x in cloud])
    assert share_returning(landscape, valley, cloud) == pytest.approx(by_search)


def test_classifying_two_hundred_exits_takes_no_time():
    landscape = muller_brown()
    valley = landscape.valley(landscape.deepest())
    points = np.random.default_rng(0).normal(size=(200, 2)) * 0.3 + valley.points[0]
    begun = time.perf_counter()
    share = share_returning(landscape, valley, points)
    assert time.perf_counter() - begun < 10.0
    assert 0.1 < share < 0.9


# --- refusals and interruption ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method is 'magic'"),
        ({"backend": "tpu"}, "one of: auto, cpu, gpu"),
        ({"paths": 0}, "paths is 0"),
        ({"start": "x=0.5"}, "already fulfils"),
        (
            {"dynamics": sd.SGD(0.1, 1.0, noise="x"), "start": "x=-1"},
            "not positive semidefinite at the start",
        ),
        ({"landscape": Potential("log(x)**2"), "start": "x=-1", "exit": "x >= 3"}, "not finite at the start"),
        ({"exit": "valley", "landscape": Potential("x**2")}, "no rim"),
        ({"normals": "pink"}, "'pink'"),
    ],
)
def test_what_cannot_be_answered(options, message):
    with pytest.raises(InputError, match=message):
        ask(**options)


def test_an_interrupted_run_is_an_answer():
    def press(progress):
        if progress.tally.events:
            raise KeyboardInterrupt

    found = ask(sd.SGLD(0.01, 0.05), paths=10_000_000, progress=press)
    assert warned(found, "interrupted")
    assert 0 < found.events < 10_000_000
    assert found.censored > 0
    assert math.isfinite(found.value)
    assert found.interrupted


def test_an_interrupt_during_the_exact_value_keeps_the_measurement(monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    whole = ask(sd.SGLD(0.01, 0.1), paths=300)
    monkeypatch.setattr("simdyn.exact.escape_time", press)
    found = ask(sd.SGLD(0.01, 0.1), paths=300)
    assert found.value == whole.value
    assert found.reference is None
    assert found.interrupted
    assert not whole.interrupted


def test_a_resolved_exit_and_an_array_are_welcome():
    exit = resolve_exit("x >= 0", WELL, np.array([-1.0]))
    assert ask(start=np.array([-1.0]), exit=exit).value == ask().value
