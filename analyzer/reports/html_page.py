"""Self-contained pages: everything in one file, nothing loaded, nothing from the log able to run.

How a page is kept safe: Jinja2 escapes every value (``autoescape``), numbers travel as JSON in a data block through
``tojson``, the policy in the page lets only scripts with a known digest run and nothing be fetched, and the
page's own script puts text from the log into the document as text only.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from analyzer.errors import printable
from analyzer.figures.palette import DARK, LIGHT

_OPTION = re.compile(r"(?<![^\s(])--?[a-z][\w-]{0,30}")
_ASSETS = Path(__file__).with_name("assets")


def filled(template: str, script: str, *, plotly: bool = True, styles: Iterable[str] = (), **values: Any) -> str:
    """``template`` with ``values``, with plotly, its licence, and ``script``, which is ours.

    ``styles``: more of our own style sheets than every page has. Without ``plotly`` the page draws for itself.
    """
    scripts = [*([asset("plotly/plotly-basic.min.js")] if plotly else []), script]
    return (
        _environment()
        .get_template(template)
        .render(
            policy=_policy(scripts),
            scripts=[Markup(text) for text in scripts],  # our own files, never a log's text
            colours={"light": LIGHT, "dark": DARK},
            style=Markup("".join(asset(f"page/{name}.css") for name in ("page", "answer", *styles))),
            plotly_licence=asset("plotly/LICENSE-plotly.txt"),
            **values,
        )
    )


def fragment(template: str, **values: Any) -> str:
    """``template`` with ``values`` for a place in a document of others: no script, no head."""
    return _environment().get_template(template).render(many_sources=False, **values)


@cache
def asset(name: str) -> str:
    """A file of ours that goes into a page."""
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def page_script() -> str:
    """The script of the report's page."""
    return script("theme", "ticks", "figures", "hover", "view")


@cache
def script(*names: str) -> str:
    """The script of a page: files of ours, in one scope."""
    parts = "\n".join(asset(f"page/{name}.js") for name in names)
    return f'(function () {{\n"use strict";\n{parts}\n}})();\n'


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("analyzer.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {"options": _options, "path": _path}
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    return environment


def _options(text: str) -> Markup:
    """``text`` in which no line ends inside an option of a command: "-" and "-cluster-reset" would be another one."""
    return Markup(_OPTION.sub(r'<span class="option">\g<0></span>', str(escape(printable(text)))))


def _path(name: str) -> Markup:
    """``name`` in which a line may end after each slash."""
    return Markup(escape(printable(name)).replace("/", Markup("/<wbr>")))


def _visible(value: Any) -> Any:
    """Every text a template prints, with control and direction-changing characters made visible."""
    return printable(value) if type(value) is str else value


def _policy(scripts: Iterable[str]) -> str:
    """The Content-Security-Policy: scripts by digest, nothing fetched. Plotly needs inline styles."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    nothing = ["connect", "font", "object", "frame", "worker"]
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {allowed}",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            *(f"{name}-src 'none'" for name in nothing),
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
