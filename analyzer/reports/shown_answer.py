"""The answer as a shell or a notebook shows it: printed, it has the words and the lines of the terminal."""

from __future__ import annotations

from dataclasses import dataclass, fields

from analyzer.reports import answer_html, text
from analyzer.reports.answer import Answer


@dataclass(frozen=True, slots=True, repr=False)
class ShownAnswer(Answer):
    """An answer that ``print`` shows as ``k3slog analyze`` does."""

    def __str__(self) -> str:
        return text.answer_lines(self).rstrip("\n")

    def _repr_html_(self) -> str:
        """In a notebook: as the page's first card."""
        return answer_html.alone(self)

    def __repr__(self) -> str:
        return f"<Answer, {self.mark}: {self.verdict!r}>"


def shown(told: Answer) -> ShownAnswer:
    """The same answer."""
    return ShownAnswer(**{field.name: getattr(told, field.name) for field in fields(told)})
