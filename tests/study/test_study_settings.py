"""Settings from TOML replace the study's, are stored, and are part of the command that repeats the run."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simdyn.cli import run
from simdyn.errors import InputError
from simdyn.study import find_study
from simdyn.study.settings import from_record, overridden, read_overrides, toml_text


@dataclasses.dataclass(frozen=True)
class Settings:
    count: int = 3
    rate: float = 0.5
    name: str = "a"
    fast: bool = False
    rates: tuple[float, ...] = (1.0, 2.0)
    pairs: tuple[tuple[int, str], ...] = ()


def test_values_take_the_type_of_their_default():
    changed = overridden(
        Settings(), {"count": 4, "rate": 2, "fast": True, "rates": [1, 2.5], "pairs": [[1, "b"]]}
    )
    assert changed == Settings(4, 2.0, "a", True, (1.0, 2.5), ((1, "b"),))
    assert type(changed.rate) is float
    assert [type(rate) for rate in changed.rates] == [float, float]


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"cuont": 4}, "no setting 'cuont'; did you mean count"),
        ({"count": 4.5}, "count is 4.5; give a whole number"),
        ({"count": True}, "count is True"),
        ({"rate": "fast"}, "rate is 'fast'; give a number"),
        ({"rates": 1.0}, "rates is 1.0; give a list, such as [1.0, 2.0]"),
        ({"rates": [1.0, "x"]}, "rates is 'x'"),
        ({"name": {"a": 1}}, "name is {'a': 1}; give text"),
        ({"fast": 1}, "fast is 1; give true or false"),
    ],
)
def test_mistakes_are_named(overrides, named):
    with pytest.raises(InputError) as caught:
        overridden(Settings(), overrides)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("study", "overrides", "named"),
    [
        ("xie2021", {"data_sets": ["wine"]}, "leaving_rates has length 3 but data_sets 1"),
        ("xie2021", {"leaving_factors": [1.0]}, "leaving_replicas has length 4 but leaving_factors 1"),
        ("xie2021", {"data_sets": ["a", "b", "c"]}, "the data set is 'a'; it must be one of 'digits'"),
        ("discrete_effects", {"launch_rates": [0.1]}, "launch_batch_sizes has length 5 but launch_rates 1"),
    ],
)
def test_settings_that_belong_together_are_refused_before_anything_runs(study, overrides, named):
    with pytest.raises(InputError, match=re.escape(named)):
        overridden(find_study(study).quick, overrides)


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
)


@settings(max_examples=30)
@given(st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), VALUES | st.lists(VALUES)))
def test_toml_comes_back_as_it_was(overrides):
    assert tomllib.loads(toml_text(overrides)) == overrides


def test_stored_settings_come_back_as_they_were():
    settings = Settings(rates=(0.1, 1e300), pairs=((1, "b"),))
    record = json.loads(json.dumps(dataclasses.asdict(settings)))
    assert from_record(Settings, record) == settings
    with pytest.raises(InputError, match="rates is new or gone"):
        from_record(Settings, {name: value for name, value in record.items() if name != "rates"})


@pytest.mark.parametrize(("text", "named"), [("a =", "not valid TOML"), (None, "cannot read")])
def test_a_file_that_is_no_toml(tmp_path, text, named):
    if text is not None:
        (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=named):
        read_overrides(tmp_path / "s.toml")


def test_a_run_with_a_file_of_settings(toy_file, tmp_path, capsys):
    file, out = tmp_path / "s.toml", tmp_path / "out"
    file.write_text("samples = 50\nrates = [1, 3.5]\n")
    words = ["study", "run", toy_file, "--out", str(out)]
    assert run([*words, "--quick", "--settings", str(file)]) == 0
    stored = json.loads((out / "study.json").read_text())["content"]
    assert stored["settings"] == {"samples": 50, "rates": [1.0, 3.5]}
    assert (out / "results.csv").read_text().count("means,") == 2
    # The same command without the file goes on with the folder's settings; other ones are refused.
    capsys.readouterr()
    assert run([*words, "--resume"]) == 0
    assert "6 of them already stored" in capsys.readouterr().err
    file.write_text("samples = 51\nrates = [1, 3.5]\n")
    assert run([*words, "--settings", str(file)]) == 2
    assert "samples was 50, now 51" in capsys.readouterr().err
    # What the report says to type repeats the run to the bit.
    (shown,) = re.findall(r"<pre><code>(.*?)</code>", (out / "report.html").read_text(), re.DOTALL)
    commands = shown.replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    subprocess.run(
        ["bash", "-ec", f'simdyn() {{ python -m simdyn.cli "$@"; }}\n{commands}'], cwd=tmp_path, check=True
    )
    repeated = tmp_path / "results" / "toy" / "results.csv"
    assert repeated.read_bytes() == (out / "results.csv").read_bytes()
