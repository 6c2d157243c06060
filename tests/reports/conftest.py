from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.reports.schema import schema_text


@pytest.fixture(scope="session")
def validate() -> Any:
    """A function that raises when an object is not a report."""
    from jsonschema import Draft202012Validator

    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate
