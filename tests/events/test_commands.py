"""Commands within an advice: found whole, offered only where they can be run as they stand."""

from __future__ import annotations

import pytest

from analyzer.events.commands import can_copy, commands_in
from analyzer.events.products import words
from analyzer.events.vocabulary import load
from analyzer.site import NOWHERE, Site


def found(text: str, site: Site = NOWHERE) -> list[str]:
    return [text[begin:end] for begin, end in commands_in(text, site)]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Start it (sudo systemctl start k3s there).", ["sudo systemctl start k3s"]),
        ("From this node: curl -vk https://192.0.2.7:6443/cacerts. Refused: wait.", ["curl -vk https://192.0.2.7:6443/cacerts"]),
        ("journalctl -k names what AppArmor did", ["journalctl -k"]),
        ("See systemctl cat k3s | grep -i -E Timeout; then go on.", ["systemctl cat k3s | grep -i -E Timeout"]),
        ("Look: journalctl -k | grep -i -E 'out of memory'.", ["journalctl -k | grep -i -E 'out of memory'"]),
        ("Look at kubectl get crd | wc -l", ["kubectl get crd | wc -l"]),
        ("Nothing to run here.", []),
        ("presudo systemctl start k3s-other", []),
    ],
)  # fmt: skip
def test_commands_are_found_whole(text: str, commands: list[str]) -> None:
    assert found(text) == commands


def test_commands_are_called_as_where_it_ran() -> None:
    site = Site(product="rke2", role="agent", supervisor="systemd")
    assert found("Then sudo systemctl restart rke2-agent.", site) == ["sudo systemctl restart rke2-agent"]


@pytest.mark.parametrize(
    "command",
    ["nc -vz <peer> 2380", "ip route get ADDRESS", "cat /x;rm y", "echo $(x)", "cat `x`", "a&b", "a|sh", "a > b"],
)
def test_what_must_be_filled_in_or_could_do_more_is_not_offered(command: str) -> None:
    assert not can_copy(command)


def test_every_name_is_a_word_and_every_shape_takes_its_example() -> None:
    data = load("commands.toml")
    sites = [Site(supervisor=name) for name in ("systemd", "openrc", "container", "windows")]  # type: ignore[arg-type]
    known = {name for site in sites for name in words(site)}
    assert set(data["words"]) <= known
    for shape in data["shape"]:
        assert found(f"Run {shape['example']}.") == [shape["example"]], shape
