"""What is written of a collection: the summary of the whole, and the starts that it is of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analyzer.collection.labels import BUILT_IN
from analyzer.collection.model import Collection, Fleet, Group, InputRow, Labels
from analyzer.events.redaction import mask_secrets


@dataclass(frozen=True, slots=True)
class FleetReport:
    """A summary with its collection; only the page shows the single starts."""

    fleet: Fleet
    collection: Collection


def bad_inputs(fleet: Fleet) -> tuple[InputRow, ...]:
    """The inputs that could not be read, or not to their end, in the order of the inputs."""
    return tuple(row for row in fleet.inputs if row.error)


def masked(fleet: Fleet) -> Fleet:
    """``fleet`` with every secret masked, whoever put it there: a log, a label of the user, a URL with credentials.

    What was read is masked where it is read; labels and the names of inputs are the user's.
    """
    return replace(
        fleet,
        inputs=tuple(
            replace(row, input=mask_secrets(row.input), error=mask_secrets(row.error)) if row.error else row
            for row in fleet.inputs
        ),
        groups=tuple(_group(group) for group in fleet.groups),
        slowest=tuple(
            replace(
                slow,
                input=mask_secrets(slow.input),
                host=None if slow.host is None else mask_secrets(slow.host),
                cause=mask_secrets(slow.cause),
            )
            for slow in fleet.slowest
        ),
        outliers=tuple(
            replace(one, host=mask_secrets(one.host), why=mask_secrets(one.why), by=masked_labels(one.by))
            for one in fleet.outliers
        ),
    )


def _group(group: Group) -> Group:
    return replace(
        group,
        by=masked_labels(group.by),
        reasons=tuple(replace(reason, reason=mask_secrets(reason.reason)) for reason in group.reasons),
        findings=tuple(replace(finding, id=mask_secrets(finding.id)) for finding in group.findings),
    )


def masked_labels(labels: Labels) -> Labels:
    """Labels without secrets, also where a name says that its value is one (``token=x``)."""
    made = []
    for name, value in labels:
        whole = mask_secrets(f"{name}={value}")
        own, _, rest = whole.partition("=")
        kept = name not in BUILT_IN and own == name
        made.append((name, rest) if kept else (mask_secrets(name), mask_secrets(value)))
    return tuple(made)
