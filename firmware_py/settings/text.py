"""The default settings as a commented TOML file, written from the dataclasses themselves."""

import ast
import dataclasses
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from firmware_py.settings import Settings

HEADER = """\
# Settings of trigger-word. What is commented out shows the default, or an example.
# A relative file name counts from the folder of this file.
"""


def default_settings_text() -> str:
    """Return the text: sections that are on by default as they are, the others commented out."""
    defaults = Settings()
    sections = [HEADER]
    for item in dataclasses.fields(Settings):
        several, cls = _section_type(get_type_hints(Settings)[item.name])
        header = f"[[{item.name}]]" if several else f"[{item.name}]"
        mark = "" if getattr(defaults, item.name) else "#"
        lines = [*_comment(inspect.cleandoc(cls.__doc__ or "")), mark + header]
        lines += [line for field in dataclasses.fields(cls) for line in _field(cls, field, mark)]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def field_documents(cls: type) -> dict[str, str]:
    """Return the docstring under each field of a dataclass, read from its source."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    documents = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            documents[field.target.id] = inspect.cleandoc(str(after.value.value))
    return documents


def _section_type(hint: Any) -> tuple[bool, type]:
    """Return whether the section may come several times, and its dataclass."""
    choices = [each for each in (hint, *get_args(hint)) if isinstance(each, type)]
    cls = next(each for each in choices if dataclasses.is_dataclass(each))
    return get_origin(hint) is tuple, cls


def _field(cls: type, field: "dataclasses.Field[Any]", mark: str) -> Iterator[str]:
    yield from _comment(field_documents(cls).get(field.name, ""))
    value = field.metadata.get("example", field.default)
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    if field.default is None:
        mark = "#"
    yield f"{mark}{field.name} = {_toml(value)}"


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.splitlines()]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
