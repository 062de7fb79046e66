from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdyn.cli.settings import build, parse_numbers, parse_settings
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1,b=2.5,c=1e-3", {"a": 1, "b": 2.5, "c": 1e-3}),
        (" a = 1 , b = two ", {"a": 1, "b": "two"}),
        ("a=[[1,0.5],[0.5,2]],b=3", {"a": [[1, 0.5], [0.5, 2]], "b": 3}),
        ("a=[1 + x**2, exp(y)]", {"a": ["1 + x**2", "exp(y)"]}),
        ("a=max(x, y),b=1", {"a": "max(x, y)", "b": 1}),
        ('a="1 + x",b=True', {"a": "1 + x", "b": True}),
        ("a=-1", {"a": -1}),
        ("a=x==y", {"a": "x==y"}),
    ],
)
def test_settings(text, expected):
    assert parse_settings(text, "--sgd") == expected


@pytest.mark.parametrize(
    "text", ["", "a", "a=", "=1", "a=1,,b=2", "a=1,b", "1a=2", "a b=1", "a=1,a=2", "a=[1,2", "a=1)"]
)
def test_what_is_no_setting(text):
    with pytest.raises(InputError, match="--sgd"):
        parse_settings(text, "--sgd")


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    for read in (
        lambda: parse_settings(text, "--sgd"),
        lambda: build(SGLD, text, "--sgld"),
        lambda: build(SDE, text, "--sde"),
    ):
        with contextlib.suppress(InputError):
            read()


def test_brackets_beyond_a_matrix_are_refused():
    for text in ("covariance=[[[1]]]", "covariance=" + "[" * 5000 + "]" * 5000):
        with pytest.raises(InputError, match="deeper than a matrix"):
            parse_settings(text, "--sgd")


def test_dynamics_from_text():
    assert build(SGLD, "learning_rate=0.1,temperature=0.2", "--sgld") == SGLD(0.1, 0.2)
    made = build(SGD, "learning_rate=0.1,batch_size=2,noise=hessian,floor=0", "--sgd")
    assert made == SGD(0.1, 2, noise="hessian", floor=0)


def test_numbers():
    assert parse_numbers(["k=2", "a=0.5,b=1"], "--set") == {"k": 2.0, "a": 0.5, "b": 1.0}
    for wrong in ("k=two", "k=true", "k", "k=[1]"):
        with pytest.raises(InputError, match="--set"):
            parse_numbers([wrong], "--set")
