"""Every notebook, executed from a clean kernel; and ``%k3slog`` in a real IPython."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TIMEOUT_S = 300
#: Where a page would fetch something from. The text of plotly.js itself holds addresses, but loads none of them.
FETCHES = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//|import \"https?://")


def html(output: dict[str, Any]) -> str:
    """The page that an output shows, without the bodies of its scripts."""
    page = "".join(output.get("data", {}).get("text/html", ""))
    return re.sub(r"(<script\b[^>]*>).*?(</script>)", r"\1\2", page, flags=re.S)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs_from_a_clean_kernel(path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    log_records = nbformat.read(path, as_version=4)
    nbformat.validate(log_records)
    client = NotebookClient(
        log_records, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()  # raises at the first cell that fails, the self-check included

    code = [cell for cell in log_records.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error"] == []
    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    figures = [o for o in outputs if "plotly-graph-div" in "".join(o.get("data", {}).get("text/html", ""))]
    assert len(figures) >= 3, "figures are shown as pages of their own"
    assert [m.group() for o in outputs for m in FETCHES.finditer(html(o))] == []


@pytest.fixture
def shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.testing.globalipapp import start_ipython

    found = start_ipython() or InteractiveShell.instance()
    found.run_line_magic("load_ext", "analyzer.notebook")
    return found


def test_the_magic_in_ipython(shell: Any) -> None:
    log = ROOT / "sample_logs" / "crash-loop-until-roles.short.txt"
    shell.user_ns["LOG"] = str(log)
    assert shell.run_cell("a = %k3slog $LOG --start last").success
    assert [s.index for s in shell.user_ns["a"]] == [4]
    assert "bootstrap-roles" in shell.user_ns["a"]._repr_html_()


def test_a_bad_path_is_one_line_in_ipython(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ran = shell.run_cell("%k3slog no-such.log")
    assert not ran.success
    told = capsys.readouterr()
    text = [line for line in (told.out + told.err).splitlines() if line.strip()]
    assert len(text) == 1 and "UsageError: k3slog:" in text[0] and "no-such.log" in text[0]
    assert "Traceback" not in told.out + told.err


def test_figures_show_themselves_without_fetching_anything(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import plotly.graph_objects as go
    import plotly.io
    from IPython.utils.capture import capture_output

    before = plotly.io.renderers.default
    try:
        with capture_output() as captured:
            assert shell.run_cell("from analyzer.notebook import offline_figures; offline_figures()").success
        (script,) = [o.data["text/html"] for o in captured.outputs]
        assert "plotly.js v" in script and FETCHES.search(html({"data": {"text/html": script}})) is None
        bundle = plotly.io.renderers[plotly.io.renderers.default].to_mimebundle(go.Figure().to_dict())
    finally:
        plotly.io.renderers.default = before
    assert set(bundle) == {"text/html"}
    assert "plotly-graph-div" in bundle["text/html"] and FETCHES.search(bundle["text/html"]) is None
