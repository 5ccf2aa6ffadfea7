"""The nodes of what `expect`, `always` and `never` look at, and the declaration of every condition.

A new condition is a node here, its row in `CONDITIONS`, its rule in the grammar and its canonical text;
`klpdsl.run.conditions` says when it holds.
"""

from __future__ import annotations

from klpdsl.syntax.operands import (
    ATTRIBUTE,
    FUNCTION,
    KEYWORD,
    LOADABLE,
    PATCH,
    PROPERTY,
    TASK,
    TEXT,
    VALUE,
    ConditionForm,
    Operand,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    from klpdsl.syntax.parts import FunctionRef
    from klpdsl.syntax.place import Span
else:
    from klpdsl._records import NamedTuple


class AttributeIs(NamedTuple):
    """`p1 enabled = 1`, `p1 refs = 1`; `subject` is a patch or a module, `attribute` a path below its directory."""

    subject: str
    attribute: str
    value: str
    span: Span


class TaskStateIs(NamedTuple):
    """`t1 patch_state = patched`; `negated` for `!=`."""

    task: str
    state: str
    negated: bool
    span: Span


class TaskSees(NamedTuple):
    """`t1 sees f = p2`: the code that a call made now would run; `code` is a patch or `original`."""

    task: str
    function: FunctionRef
    code: str
    negated: bool
    span: Span


class TasksAre(NamedTuple):
    """`all tasks patch_state = patched`, `any task patch_state != patched`: of all or any of the listed tasks."""

    quantifier: Literal["any", "all"]
    state: str
    negated: bool
    span: Span


class TasksSee(NamedTuple):
    """`any task sees f = original`: what a call that any, or each, of the tasks made now would run."""

    quantifier: Literal["any", "all"]
    function: FunctionRef
    code: str
    negated: bool
    span: Span


class TransitionIs(NamedTuple):
    """`transition = p2`; `patch` is None for `none`."""

    patch: str | None
    negated: bool
    span: Span


class LogContains(NamedTuple):
    """`log "text"`: a line of the step before contains it."""

    text: str
    span: Span


class ViolationSeen(NamedTuple):
    """`violation stale-code`: that property has been violated; without a name, any. `negated` for `no violation`."""

    property: str | None
    negated: bool
    span: Span


class PropertyNamed(NamedTuple):
    """A built-in property by name: `stale-code`, `mixed`, `leak` or `stuck`, for example."""

    name: str
    span: Span


class Both(NamedTuple):
    """`t1 sees f = p1 and t2 sees f = original`: all of the conditions hold, in the same moment."""

    conditions: tuple[SingleCondition, ...]
    span: Span


SingleCondition: TypeAlias = (
    AttributeIs
    | TaskStateIs
    | TaskSees
    | TasksAre
    | TasksSee
    | TransitionIs
    | LogContains
    | ViolationSeen
    | PropertyNamed
)
Condition: TypeAlias = SingleCondition | Both

CONDITIONS = (
    ConditionForm(
        AttributeIs,
        "attribute_is",
        (Operand("subject", LOADABLE), Operand("attribute", ATTRIBUTE), Operand("value", VALUE)),
    ),
    ConditionForm(TaskStateIs, "state_is", (Operand("task", TASK),)),
    ConditionForm(
        TaskSees,
        "sees",
        (Operand("task", TASK), Operand("function", FUNCTION), Operand("code", PATCH)),
    ),
    ConditionForm(TasksAre, "tasks_are", (Operand("quantifier", KEYWORD),)),
    ConditionForm(
        TasksSee,
        "tasks_see",
        (Operand("quantifier", KEYWORD), Operand("function", FUNCTION), Operand("code", PATCH)),
    ),
    ConditionForm(Both, "both"),
    ConditionForm(TransitionIs, "transition_is", (Operand("patch", PATCH, None),)),
    ConditionForm(LogContains, "log", (Operand("text", TEXT),), latest=True),
    ConditionForm(ViolationSeen, "violation", (Operand("property", PROPERTY, None),), latest=True),
    ConditionForm(PropertyNamed, "property", (Operand("name", PROPERTY),)),
)
#: The declaration of each node.
FORM_OF: dict[type, ConditionForm] = {form.node: form for form in CONDITIONS}


def parts_of(condition: Condition) -> tuple[SingleCondition, ...]:
    """Return the conditions that all have to hold: of one that stands alone, that one."""
    return condition.conditions if isinstance(condition, Both) else (condition,)
