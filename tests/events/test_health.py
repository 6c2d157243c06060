"""klog's health blocks, put together from the entries journald made of them."""

from __future__ import annotations

from analyzer.events.event import HealthBlock
from analyzer.events.health import HealthAssembler
from analyzer.records.log_record import LogRecord
from tests.events.lines import klog, logrus, record, systemd

HEADER = "etcd,poststarthook/rbac/bootstrap-roles check failed: readyz"
LINES = (
    "[-]etcd failed: etcd client connection not yet established",
    "[-]poststarthook/rbac/bootstrap-roles failed: not finished",
)


def run(*records: LogRecord) -> list[HealthBlock]:
    assembler = HealthAssembler()
    found = [block for one in records for block in assembler.feed(one)]
    found += assembler.finish()
    assert list(assembler.finish()) == []
    return found


def header(text: str = HEADER) -> LogRecord:
    return klog(text, "healthz.go")


def test_a_whole_block() -> None:
    (block,) = run(header(), *(record(line) for line in LINES), klog("next", "x.go"))
    assert block.failing == ("etcd", "poststarthook/rbac/bootstrap-roles")
    assert dict(block.reasons)["poststarthook/rbac/bootstrap-roles"] == "not finished"
    assert block.endpoint == "readyz"
    assert block.complete
    assert block.record.message == HEADER


def test_a_whole_block_at_the_end_of_the_text() -> None:
    (block,) = run(header(), *(record(line) for line in LINES))
    assert block.complete


def test_a_block_that_ends_outside_the_text() -> None:
    (block,) = run(header(), record(LINES[0]))
    assert block.failing == ("etcd", "poststarthook/rbac/bootstrap-roles")
    assert block.complete  # the header names them all


def test_a_header_alone_names_what_fails() -> None:
    (block,) = run(header())
    assert block.failing == ("etcd", "poststarthook/rbac/bootstrap-roles")
    assert block.reasons == ()
    assert block.complete


def test_a_header_that_names_more_than_its_lines_counts() -> None:
    (block,) = run(header(), record(LINES[1]), klog("next", "x.go"))
    assert block.failing == ("etcd", "poststarthook/rbac/bootstrap-roles")
    assert block.complete


def test_a_block_that_begins_outside_the_text_has_no_endpoint_of_its_own() -> None:
    (block,) = run(record(LINES[0]), record(LINES[1]), klog("next", "x.go"))
    assert block.endpoint == ""
    assert not block.complete


def test_blank_lines_and_systemd_may_stand_between() -> None:
    (block,) = run(header(), record(LINES[0]), record(""), systemd("Starting k3s.service..."), record(LINES[1]))
    assert block.complete


def test_one_message_with_real_or_escaped_newlines() -> None:
    for newline in ("\n", "\\n"):
        (block,) = run(header(newline.join((HEADER, *LINES))))
        assert len(block.failing) == 2
        assert block.complete


def test_two_blocks_in_a_row() -> None:
    blocks = run(
        header(), record(LINES[0]), record(LINES[1]), header("log check failed: livez"), record("[-]log failed: x")
    )
    assert [(block.endpoint, block.failing) for block in blocks] == [
        ("readyz", ("etcd", "poststarthook/rbac/bootstrap-roles")),
        ("livez", ("log",)),
    ]


def test_the_old_form_whose_header_is_the_first_check() -> None:
    (block,) = run(
        klog("[+]ping ok", "healthz.go"),
        record("[+]etcd ok"),
        record("[-]poststarthook/rbac/bootstrap-roles failed: reason withheld"),
        record("healthz check failed"),
        klog("next", "x.go"),
    )
    assert block.failing == ("poststarthook/rbac/bootstrap-roles",)
    assert block.endpoint == "healthz"
    assert block.complete


def test_the_old_form_without_its_trailer_is_not_complete() -> None:
    (block,) = run(klog("[+]ping ok", "healthz.go"), record("[-]etcd failed: x"), klog("next", "x.go"))
    assert not block.complete
    assert block.endpoint == ""


def test_the_single_check_form_gives_its_reason_once() -> None:
    (block,) = run(
        klog("healthz check poststarthook/rbac/bootstrap-roles failed: not finished", "healthz.go"),
        record("[-]poststarthook/rbac/bootstrap-roles failed: reason withheld"),
    )
    assert block.reasons == (("poststarthook/rbac/bootstrap-roles", "not finished"),)


def test_names_torn_by_an_ellipsis_are_left_out() -> None:
    blocks = run(header("etcd,poststarth…roles check failed: readyz"))
    assert blocks[0].failing == ("etcd",)
    assert not blocks[0].complete


def test_poll_lines_and_other_logrus_lines_are_no_blocks() -> None:
    assert (
        run(logrus('Polling for API server readiness: GET /readyz failed: an error on the server ("[+]ping ok")')) == []
    )
    assert run(record("nothing"), klog("Serving securely on x", "secure_serving.go")) == []
