"""Plain mappings (TOML, JSON) to frozen dataclasses, strictly: no unknown key, no wrong type."""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from firmware_py.errors import SettingsError
from firmware_py.reading.bounds import shown_value

T = TypeVar("T")


def from_mapping(cls: type[T], mapping: object, where: str) -> T:
    """Build the dataclass `cls` from `mapping`; `where` names the place in messages.

    Raises SettingsError for an unknown key (with the nearest known one), a missing key or a
    value of the wrong type.
    """
    if not isinstance(mapping, Mapping):
        raise SettingsError(f"{where} must be a table of named values, not {shown_value(mapping)}")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    _refuse_unknown(mapping, fields, where)
    values = {
        name: _convert(hints[name], mapping[name], f"{where}.{name}")
        for name in fields
        if name in mapping
    }
    missing = [name for name, field in fields.items() if name not in values and _required(field)]
    if missing:
        raise SettingsError(f"{where} lacks {', '.join(missing)}; add it")
    try:
        return cls(**values)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error


def to_mapping(value: Any) -> Any:
    """Return dataclasses, tuples and mappings as plain JSON-ready values, without None fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: to_mapping(item) for name, item in items if item is not None}
    if isinstance(value, Mapping):
        return {str(key): to_mapping(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_mapping(item) for item in value]
    return value


def _required(field: "dataclasses.Field[Any]") -> bool:
    no_default = field.default is dataclasses.MISSING
    return field.init and no_default and field.default_factory is dataclasses.MISSING


def _refuse_unknown(mapping: Mapping[Any, Any], known: Mapping[str, Any], where: str) -> None:
    for key in mapping:
        if key not in known:
            import difflib  # only for the message

            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise SettingsError(f"{where} has no setting {shown_value(key)}; {hint}")


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(get_args(hint), value, where)
    if origin is Literal:
        return _convert_choice(get_args(hint), value, where)
    if origin is tuple:
        return _convert_tuple(get_args(hint), value, where)
    if origin is not None and issubclass(origin, Mapping):
        return _convert_table(get_args(hint)[1], value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_mapping(hint, value, where)
    return value if hint is Any else _convert_scalar(hint, value, where)


def _convert_choice(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise SettingsError(f"{where} is {shown_value(value)}; choose one of {known}")
    return value


def _convert_table(hint: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} must be a table, not {shown_value(value)}")
    return {key: _convert(hint, item, f"{where}.{key}") for key, item in value.items()}


def _convert_union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in choices:
        return None
    choices = tuple(choice for choice in choices if choice is not type(None))
    return _convert(_fitting(choices, value), value, where)


def _fitting(choices: tuple[Any, ...], value: Any) -> Any:
    """Return the dataclass that has most of the keys of a table, of equals and else the first."""
    if not isinstance(value, Mapping):
        return choices[0]
    tables = [choice for choice in choices if dataclasses.is_dataclass(choice)] or choices
    return max(tables, key=lambda table: len(set(value) & _field_names(table)))


def _field_names(table: Any) -> set[str]:
    fields = dataclasses.fields(table) if dataclasses.is_dataclass(table) else ()
    return {field.name for field in fields}


def _convert_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"{where} must be {_list_like(items, where, value)}")
    if len(items) == 2 and items[1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise SettingsError(f"{where} must have {len(items)} values, not {len(value)}")
    pairs = enumerate(zip(items, value, strict=True))
    return tuple(_convert(item, v, f"{where}[{i}]") for i, (item, v) in pairs)


def _convert_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = _to_float(value)
    exact = isinstance(value, hint) and not (hint in (int, float) and isinstance(value, bool))
    if not exact:
        raise SettingsError(
            f"{where} must be {_KINDS.get(hint, hint.__name__)}, not {_as_written(hint, value)}"
        )
    if hint is float and not math.isfinite(value):
        raise SettingsError(f"{where} is {value}; it must be a finite number")
    return value


_KINDS = {float: "a number", int: "a whole number", str: "text in quotes", bool: "true or false"}


def _as_written(hint: type, value: Any) -> str:
    """Return a wrong value as the person wrote it, and what is easily missed in it."""
    shown = "true or false" if isinstance(value, bool) else shown_value(value)
    is_quoted = isinstance(value, str) and hint is not str
    return f"{shown}, which is text in quotes" if is_quoted else shown


def _list_like(items: tuple[Any, ...], where: str, value: Any) -> str:
    """Return what a list must look like: several tables are written in a way of their own."""
    if dataclasses.is_dataclass(items[0]) and isinstance(value, Mapping):
        name = where.rpartition(".")[2]
        return f"written with two brackets, since there may be several: write [[{name}]]"
    return f'a list in brackets, such as ["one", "two"], not {shown_value(value)}'


def _to_float(value: int) -> float:
    """Return an integer as a float, infinity for one that no float can hold."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
