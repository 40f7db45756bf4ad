"""Every reader takes an input or refuses it with one line; found inputs stay so.

A small part of `make fuzz`, by hypothesis: it shrinks what goes wrong to its core.
"""

import random

import pytest
from fuzz.__main__ import inputs_of
from fuzz.mutation import changed
from fuzz.readers import CORPUS, QUICK, READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

small = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("name", QUICK)
@small
@given(st.data())
def test_mutants_of_good_inputs(name: str, data: st.DataObject) -> None:
    inputs = inputs_of(name)
    content = data.draw(st.sampled_from(inputs))
    seed = data.draw(st.integers(0, 2**32 - 1))
    QUICK[name].try_out(changed(content, random.Random(seed)))


@pytest.mark.parametrize("name", QUICK)
@small
@given(st.binary(max_size=300))
def test_anything(name: str, content: bytes) -> None:
    QUICK[name].try_out(content)


@pytest.mark.parametrize("name", sorted(set(QUICK) - {"signed"}))
def test_good_inputs_are_taken(name: str) -> None:
    """Else the mutants would be of nothing."""
    for content in QUICK[name].seeds():
        assert QUICK[name].try_out(content)


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_once_went_wrong(path) -> None:
    READERS[path.parent.name].try_out(path.read_bytes())
