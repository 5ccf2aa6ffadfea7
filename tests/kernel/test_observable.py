"""What is compared, and what is not."""

from klpdsl.kernel.observable import compare, visible_steps
from klpdsl.trace.events import Trace
from klpdsl.trace.reading import from_text


def trace(*lines: str) -> Trace:
    return from_text("# klpdsl trace 1\n\n" + "".join(f"{line}\n" for line in lines))


def same(one: Trace, other: Trace) -> bool:
    return compare(visible_steps(one), visible_steps(other)) is None


def test_what_happened_in_between_does_not_count() -> None:
    model = trace("1 load p1", "    sysfs p1/enabled = 0", "    task t1 undefined -> unpatched",
                  "    sysfs p1/enabled = 1", "    task t1 unpatched -> undefined", "  = 0")  # fmt: skip
    assert same(model, trace("1 load p1", "    sysfs p1/enabled = 1", "  = 0"))


def test_what_a_directory_held_goes_with_it() -> None:
    held = ["1 load p1", "    sysfs p1/", "    sysfs p1/enabled = 1", "  = 0", "2 disable p1"]
    each = trace(*held, "    sysfs p1/enabled gone", "    sysfs p1/ gone", "  = 0")
    assert same(each, trace(*held, "    sysfs p1/ gone", "  = 0"))


def test_of_who_is_killed_no_state_is_left_to_be_seen() -> None:
    held = ["1 load p1", "    task t1 undefined -> unpatched", "    task t2 undefined -> unpatched", "  = 0"]
    model = trace(*held, "2 kill KILL t1", "    task t1 unpatched -> patched", "  = 0")
    assert same(model, trace(*held, "2 kill KILL t1", "  = 0"))
    assert not same(model, trace(*held, "2 kill KILL t1", "    task t2 unpatched -> patched", "  = 0"))
    assert not same(trace(*held, "2 kill STOP t1", "    task t1 unpatched -> patched", "  = 0"),
                    trace(*held, "2 kill STOP t1", "  = 0"))  # fmt: skip


def test_a_module_of_which_nothing_was_heard_was_there_all_the_same() -> None:
    heard = ["1 t1: syscall g", "    module m refs 1", "    module m refs 0", "  = 0"]
    gone = ["2 unload m", "    module m gone", "  = 0"]
    assert same(trace(*heard, *gone), trace("1 t1: syscall g", "  = 0", *gone))
    assert not same(trace(*heard, *gone), trace("1 t1: syscall g", "  = 0", "2 unload m", "  = 0"))


def test_the_order_of_messages_counts() -> None:
    one, other = "    log notice livepatch: a", "    log notice livepatch: b"
    found = compare(
        visible_steps(trace("1 tick", one, other, "  = 0")),
        visible_steps(trace("1 tick", other, one, "  = 0")),
    )
    assert found is not None
    assert found.only_model == ("log notice livepatch: a", "log notice livepatch: b")


def test_timing_the_taint_and_reasons_do_not() -> None:
    model = trace("1 load p1", "    log notice p1: tainting kernel with TAINT_LIVEPATCH",
                  "    log debug livepatch: klp_try_switch_task: t1:101 is sleeping on function f",
                  "    blocked t1 sleeping in vmlinux f of original", "  = EBUSY (a reason)")  # fmt: skip
    assert same(model, trace("1 load p1", "  = EBUSY"))


def test_a_result_a_state_and_a_step_do() -> None:
    quiet = trace("1 tick", "  = 0")
    assert not same(quiet, trace("1 tick", "  = EINVAL"))
    assert not same(quiet, trace("1 tick", "    task t1 undefined -> patched", "  = 0"))
    assert not same(quiet, trace("1 tick", "  = 0", "2 tick", "  = 0"))


def test_the_first_difference_is_told() -> None:
    found = compare(
        visible_steps(trace("1 tick", "  = 0", "2 load p1", "    module p1 refs 1", "  = 0")),
        visible_steps(trace("1 tick", "  = 0", "2 load p1", "    module p1 refs 2", "  = 0")),
    )
    assert found is not None
    assert (found.step, found.text) == (2, "load p1")
    assert found.only_model == ("module p1: 0 -> 1",)
    assert found.only_kernel == ("module p1: 0 -> 2",)


def test_what_only_a_model_can_answer_is_not_asked() -> None:
    model = trace("1 tick", "  = 0", "  expect ok: t1 sees f = p1 (got p1)")
    kernel = trace("1 tick", "  = 0", "  expect ok: t1 sees f = p1 (got cannot be seen from outside)")
    assert same(model, kernel)
