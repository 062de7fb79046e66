"""Direct simulation or splitting: what decides, on both sides of the decision, and what the answer says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simdyn as sd
from potentials import Potential
from simdyn.cli import run
from simdyn.errors import InputError
from simdyn.estimators import Pilot, run_pilot
from simdyn.exits import resolve_exit
from simdyn.questions.method_choice import Budget, choose_method
from simdyn.results import Prediction

WELL = Potential("x**4/4 - x**2/2")
BUDGET = Budget(10_000, 2_000_000)
REFUSAL = "Splitting cannot."


def closed_form(value: float, valid: bool = True, name: str = "Kramers") -> Prediction:
    return Prediction(
        name=name, value=value, unit="steps", formula="", assumptions=(), valid=valid, why="", source=""
    )


def no_pilot(paths: int) -> Pilot:
    raise AssertionError("There is a valid closed form.")


def chosen(times, budget=BUDGET, step=1.0, refusal="", pilot=no_pilot):  # type: ignore[no-untyped-def]
    return choose_method(budget, [closed_form(t) for t in times], step, refusal, pilot)


# --- the decision -------------------------------------------------------------------------------------------

AT_TWENTY = -2_000_000 / math.log1p(-20 / 10_000)
"""Mean time at which 20 of 10,000 paths escape within 2,000,000 steps."""


def test_a_valid_closed_form_decides():
    assert chosen([0.99 * AT_TWENTY]).method == "direct"
    assert chosen([1.01 * AT_TWENTY]).method == "splitting"
    for time in (300.0, 0.99 * AT_TWENTY):
        assert "about" in chosen([time]).why
    assert "about 0.02 of 10,000 paths would escape within the 2,000,000 steps" in chosen([1e12]).why
    assert chosen([1e12]).sentence.startswith("Splitting, since by 'Kramers' an escape takes 1e+12 steps")
    assert "about 10,000 of 10,000 paths will escape" in chosen([300.0]).sentence


def test_times_become_steps():
    assert chosen([0.99 * AT_TWENTY * 0.01], step=0.01).method == "direct"
    assert chosen([1.01 * AT_TWENTY * 0.01], step=0.01).method == "splitting"


def test_the_shortest_valid_time_counts():
    assert chosen([1e12, 300.0]).method == "direct"
    forms = [closed_form(1e12), closed_form(300.0, valid=False)]
    assert choose_method(BUDGET, forms, 1.0, "", no_pilot).method == "splitting"


def test_a_target_error_asks_for_more():
    """1 % takes 10,000 escapes; with less than 100 the error is ten times that."""
    time = -2_000_000 / math.log1p(-100 / 10_000)
    precise = Budget(10_000, 2_000_000, target_error=0.01)
    assert chosen([0.99 * time], precise).method == "direct"
    assert chosen([1.01 * time], precise).method == "splitting"
    assert chosen([1.01 * time], Budget(10_000, 2_000_000, target_error=0.05)).method == "direct"


def test_few_paths_are_no_reason():
    assert chosen([300.0], Budget(10, 10_000)).method == "direct"


def test_a_pilot_decides_where_no_closed_form_is_valid():
    asked = []

    def pilot(ended):
        def call(enough):
            asked.append(enough)
            return Pilot(100 if ended else enough, ended, 4_000 if ended else 2_000_000)

        return call

    invalid = [closed_form(1e12, valid=False)]
    soon = choose_method(BUDGET, invalid, 1.0, "", pilot(3))
    never = choose_method(BUDGET, invalid, 1.0, "", pilot(0))
    assert soon.method == "direct"
    assert "3 of 100 pilot paths ended within 4,000 steps" in soon.why
    assert never.method == "splitting"
    assert "none of 1,497 pilot paths escaped within the 2,000,000 steps" in never.why
    assert "fewer than 20 of 10,000 paths would (95 % confidence)" in never.why
    assert asked == [1_497, 1_497]


def test_where_splitting_refuses_direct_simulation_stays():
    hopeless = chosen([1e12], refusal=REFUSAL)
    assert (hopeless.method, hopeless.refusal) == ("direct", REFUSAL)
    assert hopeless.sentence.endswith("but splitting refuses (Splitting cannot).")
    assert chosen([300.0], refusal=REFUSAL).refusal == ""
    assert chosen([], refusal=REFUSAL).method == "direct"


@given(st.floats(1.0, 1e15), st.floats(1.0, 1e6), st.integers(1_000, 10**6), st.integers(10_000, 10**8))
def test_longer_times_never_lead_back(time, factor, paths, steps):
    budget = Budget(paths, steps)
    if chosen([time], budget).method == "splitting":
        assert chosen([time * factor], budget).method == "splitting"


@given(st.integers(1_000, 10**7), st.one_of(st.none(), st.floats(0.002, 0.5)))
def test_the_pilot_is_as_large_as_it_has_to_be(paths, target):
    budget = Budget(paths, 10_000, target)
    share = min(budget.needed / paths, 0.1)
    none = [math.exp(n * math.log1p(-share)) for n in (budget.pilot_paths - 1, budget.pilot_paths)]
    assert none[0] > 0.05 * (1 - 1e-9)
    assert none[1] <= 0.05 * (1 + 1e-9)


# --- the pilot ----------------------------------------------------------------------------------------------


def pilot_of(noise, **options):  # type: ignore[no-untyped-def]
    origin = np.array([-1.0])
    update = sd.SGLD(0.1, noise).update(WELL, origin)
    asked = {"paths": 2_000, "enough": 150, "max_steps": 50_000, "seed": 1}
    return run_pilot(update, resolve_exit("x >= 0", WELL, origin), origin, **(asked | options))


def test_a_pilot_stops_where_paths_escape():
    """At T = 357 steps the chance that none of 20 paths leaves within 1,000 steps is e^-56."""
    found = pilot_of(0.1)
    assert (found.paths, found.steps) == (20, 1_000)
    assert 0 < found.ended <= 20
    assert found == pilot_of(0.1, threads=1) == pilot_of(0.1, threads=2)


def test_a_pilot_of_a_deep_well_goes_on():
    """At T = 5e10 steps (exp(25) and a prefactor) the chance of any escape is 2e-4."""
    assert pilot_of(0.01) == Pilot(150, 0, 50_000)
    assert pilot_of(0.01, enough=5) == Pilot(20, 0, 50_000)


# --- the question -------------------------------------------------------------------------------------------


@pytest.fixture
def small_budget(monkeypatch):
    """Direct simulation that gives up early, so that hopeless problems are quick ones."""
    monkeypatch.setattr("simdyn.estimators.direct.DEFAULT_WORK", 2e7)


def ask(dynamics, exit="x >= 0", landscape=WELL, **options):  # type: ignore[no-untyped-def]
    return sd.escape_time(landscape, dynamics, "x=-1", exit, **({"paths": 2_000, "seed": 1} | options))


@pytest.mark.parametrize(
    ("dynamics", "options", "why"),
    [
        (sd.SGLD(0.01, 0.06), {}, "by '"),
        (sd.SGLD(0.1, 0.1), {}, "pilot paths ended"),
        (sd.SGLD(0.1, 0.01), {"max_steps": 300}, "step budget"),
        (sd.SGLD(0.1, 0.1), {"paths": 100}, "splitting refuses (paths is 100"),
    ],
    ids=["closed_form", "pilot", "max_steps", "few_paths"],
)
def test_direct_answers_are_what_they_were(dynamics, options, why):
    found, asked = ask(dynamics, **options), ask(dynamics, method="direct", **options)
    assert found.problem["method"] == "direct"
    assert found.problem["method_choice"].startswith("Direct simulation, since ")
    assert why in found.problem["method_choice"]
    assert asked.problem["method_choice"] is None
    assert (found.value, found.low, found.high) == (asked.value, asked.low, asked.high)
    assert found.steps_done == asked.steps_done
    assert found.warnings == asked.warnings
    assert [p.value for p in found.predictions] == [p.value for p in asked.predictions]
    assert f"method     {found.problem['method_choice']}" in str(found)
    assert "method  " not in str(asked)


def test_a_deep_well_is_split():
    """Barrier / noise = 25; a false alarm of the comparison at z = 4.5 of the log normal: 1e-5 and a bit."""
    found = ask(sd.SGLD(0.05, 0.01))
    assert found.problem["method"] == "splitting"
    assert found.problem["method_choice"].startswith("Splitting, since by '")
    assert "would escape" in str(found)
    assert json.loads(json.dumps(found.to_json()))["problem"]["method_choice"] in str(found)
    asked = ask(sd.SGLD(0.05, 0.01), method="splitting")
    assert found.value == asked.value
    assert asked.problem["method_choice"] is None
    assert abs(math.log(found.value / found.reference.value)) < 6 * found.measurement.relative_error


def test_a_pilot_leads_to_splitting(small_budget):
    """No closed form is valid for so large a learning rate."""
    told = []
    found = ask(sd.SGLD(0.3, 0.015), progress=told.append)
    assert found.problem["method"] == "splitting"
    assert told[0].stage == "pilot"
    assert told[-1].stage == "splitting"
    assert "pilot paths escaped within the 10,000 steps" in found.problem["method_choice"]
    assert found.value > 1e5
    assert abs(math.log(found.value / found.reference.value)) < 6 * found.measurement.relative_error


def test_a_score_is_for_splitting():
    found = ask(sd.SGLD(0.1, 0.1), score="x")
    assert found.problem["method"] == "splitting"
    assert "score" in found.problem["method_choice"]
    with pytest.raises(InputError, match="max_steps is for direct"):
        ask(sd.SGLD(0.1, 0.1), score="x", max_steps=100)
    with pytest.raises(InputError, match="Splitting runs on the CPU"):
        ask(sd.SGLD(0.1, 0.1), score="x", backend="gpu")


def test_flux_is_never_chosen_and_never_explained():
    assert ask(sd.SGLD(0.1, 0.1), method="flux", paths=1_000).problem["method_choice"] is None


@pytest.mark.parametrize(
    ("dynamics", "options", "words"),
    [
        (sd.SGLD(0.05, 0.01), {"paths": 900}, "at least 1000"),
        (sd.SGLD("cosine(0.05, 0.04, 1000)", 0.01), {}, "do not change with the step"),
        (sd.SDE(sd.AlphaStable(1.5, 1e-6), 0.05), {}, "leave in single leaps"),
        pytest.param(sd.SGLD(0.1, 0.012), {"exit": "x >= 1.8"}, "another well", marks=pytest.mark.slow),
    ],
    ids=["few_paths", "schedule", "leaps", "another_well"],
)
def test_what_splitting_refuses_stays_direct_and_warns(small_budget, dynamics, options, words):
    found = ask(dynamics, **options)
    assert found.problem["method"] == "direct"
    assert words in found.problem["method_choice"]
    assert found.events == 0
    assert any("Splitting could not take over" in text and words in text for text in found.warnings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_error": 2}, "target_error is 2"),
        ({"paths": 0}, "paths is 0"),
        ({"normals": "pink"}, "'pink'"),
    ],
)
def test_bad_settings_are_refused_whatever_would_be_chosen(options, message):
    for noise in (0.1, 0.01):
        with pytest.raises(InputError, match=message):
            ask(sd.SGLD(0.05, noise), **options)


def test_the_shell_says_what_was_chosen(capsys):
    problem = ["escape", "x**4/4 - x**2/2", "--start", "x=-1", "--exit", "x >= 0", "--paths", "2000"]
    for temperature, method in (("0.1", "direct"), ("0.01", "splitting")):
        dynamics = ["--sgld", f"learning_rate=0.05,temperature={temperature}"]
        assert run([*problem, *dynamics, "--method", "auto", "--json"]) == 0
        record = json.loads(capsys.readouterr().out)["problem"]
        assert record["method"] == method
        assert record["method_choice"]
