"""Random scenarios that are valid by construction: what a fuzzer of the engine needs."""

from __future__ import annotations

from hypothesis import strategies as st

TASKS = ("t1", "t2", "k1")
PATCHES = ("p1", "p2", "p3")
FUNCTIONS = ("f", "g", "ext4:read")

_ERRNOS = st.sampled_from(("", " fails ENODEV", " fails EBUSY"))


@st.composite
def _callbacks(draw: st.DrawFn) -> str:
    obj = draw(st.sampled_from(("vmlinux", "ext4")))
    if draw(st.booleans()):
        return f"callbacks {obj}"
    return f"callbacks {obj} {{ pre_patch{draw(_ERRNOS)}; post_unpatch }}"


@st.composite
def _patch(draw: st.DrawFn, name: str) -> str:
    flags = "".join(draw(st.sampled_from(("", f" {flag}"))) for flag in ("immediate", "replace"))
    body = draw(
        st.lists(
            st.sampled_from(
                (
                    "f",
                    "g",
                    "f immediate",
                    "g sympos 1",
                    "ext4 { read }",
                    "ext4 { write, read }",
                    "nfs { open }",
                )
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda item: item.split()[0],
        )
    )
    body += draw(st.lists(_callbacks(), max_size=1))
    body += draw(
        st.lists(st.sampled_from(("state 1 version 1", "state 1 version 2", "state 2 version 1")), max_size=1)
    )
    return f"patch {name}{flags} {{ {'; '.join(body)} }}"


@st.composite
def _task(draw: st.DrawFn, name: str) -> str:
    kind = "kthread" if name.startswith("k") else "task"
    where = draw(
        st.sampled_from(
            ("", " in f", " in f > g", " in g uninterruptible", " running in f", " in g unreliable")
        )
    )
    return f"{kind} {name}{where}"


def _steps() -> st.SearchStrategy[str]:
    patch = st.sampled_from(PATCHES)
    task = st.sampled_from(TASKS)
    function = st.sampled_from(FUNCTIONS)
    return st.one_of(
        st.builds(
            lambda verb, p: f"{verb} {p}",
            st.sampled_from(("load", "apply", "unload", "enable", "disable")),
            patch,
        ),
        st.builds(lambda verb, p: f"{verb} {p}", st.sampled_from(("load", "apply", "enable")), patch),
        st.sampled_from(("reverse", "signal", "force", "tick", "tick", "tick 3", "settle")),
        st.sampled_from(
            ("load ext4", "unload ext4", "load nfs", "unload nfs", "sysctl kernel.ftrace_enabled 0")
        ),
        st.builds(lambda t, f: f"{t}: call {f}", task, function),
        st.builds(lambda t, f: f"{t}: syscall {f}", task, function),
        st.builds(
            lambda t, a: f"{t}: {a}",
            task,
            st.sampled_from(("return", "return", "run", "sleep", "resched", "freeze", "exit", "fork c1")),
        ),
        st.builds(
            lambda p, v: f'write {p} enabled "{v}"',
            patch,
            st.sampled_from(("0", "1", "y", "of", "2", "nonsense")),
        ),
        st.builds(lambda p: f"force {p}", patch),
    )


@st.composite
def scenarios(draw: st.DrawFn, *, shown: bool = False) -> tuple[list[str], list[str], list[str]]:
    """The tasks, the other declarations, and the steps of a scenario; with `shown` every step is followed by `show`."""
    tasks = [draw(_task(name)) for name in TASKS]
    others = ["vmlinux { f, g }", "module ext4 { read, write, write }", "module nfs { open } loaded"]
    others += [draw(_patch(name)) for name in PATCHES]
    others += draw(st.sampled_from(([], ["cpus 2"], ["cpus 2 nohz"])))
    steps = draw(st.lists(_steps(), min_size=1, max_size=14))
    if shown:
        steps = [line for step in steps for line in (step, "show")]
    return tasks, others, steps
