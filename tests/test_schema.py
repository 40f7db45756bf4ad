"""Tables to frozen dataclasses: strict, with the place and the remedy in every message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from firmware_py.errors import SettingsError
from firmware_py.schema import from_mapping, to_mapping


@dataclass(frozen=True)
class Inner:
    size: int
    kind: Literal["small", "large"] = "small"


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    ratio: float = 0.5
    limit: float | None = None
    pair: tuple[float, float] = (0.0, 1.0)
    many: tuple[Inner, ...] = ()
    named: Mapping[str, Inner] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)


FULL = {
    "name": "x",
    "inner": {"size": 3, "kind": "large"},
    "ratio": 2,
    "limit": 1.5,
    "pair": [1, 2],
    "many": [{"size": 1}, {"size": 2}],
    "named": {"a": {"size": 4}},
    "free": {"anything": [1, {"at": "all"}]},
}


def test_every_kind_of_field_goes_there_and_back():
    outer = from_mapping(Outer, FULL, "top")
    assert outer == Outer(
        "x",
        Inner(3, "large"),
        2.0,
        1.5,
        (1.0, 2.0),
        (Inner(1), Inner(2)),
        {"a": Inner(4)},
        {"anything": [1, {"at": "all"}]},
    )
    assert isinstance(outer.ratio, float)
    assert from_mapping(Outer, to_mapping(outer), "top") == outer


def test_absent_values_are_left_out():
    assert "limit" not in to_mapping(from_mapping(Outer, {"name": "x", "inner": {"size": 1}}, "t"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nmae": "x"}, "did you mean 'name'"),
        ({"zzzzzz": 1}, "known: name, inner"),
        (
            {"inner": {"size": "big"}},
            r"top\.inner\.size must be a whole number, not 'big', wh",
        ),
        ({"inner": {"size": True}}, r"top\.inner\.size must be a whole number, not true or false"),
        ({"inner": {"size": 1, "kind": "huge"}}, "choose one of 'small', 'large'"),
        ({"inner": {}}, "top.inner lacks size"),
        ({"pair": [1, 2, 3]}, "must have 2 values, not 3"),
        ({"many": [{"size": 1}, 5]}, r"top\.many\[1\] must be a table"),
        ({"named": {"a": {"sise": 1}}}, r"top\.named\.a has no setting 'sise'"),
        ({"name": 7}, "top.name must be text in quotes, not 7"),
    ],
)
def test_wrong_values_are_named_with_their_place(change, message):
    with pytest.raises(SettingsError, match=message):
        from_mapping(Outer, {"name": "x", "inner": {"size": 1}, **change}, "top")
