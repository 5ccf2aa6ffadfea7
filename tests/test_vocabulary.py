"""The words of the language are declared once: each table that has to know them is held to the declaration here.

What is forgotten when a verb or a condition is added is named by one of these tests.
"""

import re
from typing import get_args

import pytest

from klpdsl._resources import grammar_path
from klpdsl.bisect.simplify import simpler
from klpdsl.run import conditions as evaluation
from klpdsl.run import operations
from klpdsl.syntax import actions, conditions, tree
from klpdsl.syntax.explain import keywords
from klpdsl.syntax.operands import REQUIRED, SAID, Verb
from klpdsl.syntax.parser import lark_parser
from klpdsl.syntax.wording import format_statement

OPERATIONS = set(get_args(tree.Operation)) - {tree.TaskStep}
ACTIONS = set(get_args(tree.Action))
S = tree.Span("x", 1, 1, 1, 1)


def word(verb: Verb) -> str:
    return f"{verb.word} ({verb.node.__name__})"


def rule(name: str) -> str:
    """The text of one rule or terminal of the grammar."""
    with open(grammar_path(), encoding="utf-8") as file:
        grammar = re.sub(r"//[^\n]*", "", file.read())
    found = re.search(
        rf"^[!?]?{re.escape(name)}(?:\.\d+)?:(.*?)(?=^\S|\Z)", grammar, re.MULTILINE | re.DOTALL
    )
    assert found, f"the grammar has no {name}"
    # The alternatives of a rule go on in lines that begin with `|`, which are indented.
    return found[1]


def test_every_node_is_declared() -> None:
    assert {verb.node for verb in actions.OPERATOR_VERBS} == OPERATIONS
    assert {verb.node for verb in actions.TASK_VERBS} == ACTIONS
    assert {form.node for form in conditions.CONDITIONS} == set(get_args(tree.Condition))


def test_every_node_is_carried_out() -> None:
    # What is carried out and not declared is named by the test above, which has the union of the nodes.
    assert {verb.node for verb in actions.OPERATOR_VERBS} - set(operations.OPERATIONS) == set()
    assert {verb.node for verb in actions.TASK_VERBS} - set(operations.ACTIONS) == set()
    assert set(operations.SIMPLE) == set(actions.SIMPLE_VERBS)
    assert set(evaluation.EVALUATE) == {form.node for form in conditions.CONDITIONS}


@pytest.mark.parametrize("verb", actions.VERBS, ids=word)
def test_the_grammar_has_it(verb: Verb) -> None:
    terminals = {w: name for name, words in keywords(lark_parser()).items() for w in words}
    assert verb.word in terminals
    rule(verb.rule)
    if verb in actions.OPERATOR_VERBS:
        assert re.search(rf"\b{terminals[verb.word]}\b", rule("label")), "it may be a task's name"
        assert re.search(rf"\b{verb.rule}\b", rule("_operation"))
    else:
        assert re.search(rf"\b{verb.word}\b", rule("_NEXT_ACTION")), "it may follow a comma"
        assert re.search(rf"\b{verb.rule}\b", rule("_action"))


@pytest.mark.parametrize("verb", actions.VERBS, ids=word)
def test_what_it_takes_is_a_field(verb: Verb) -> None:
    fields = verb.node._fields  # type: ignore[attr-defined]
    assert fields[-1] == "span"
    assert {operand.field for operand in verb.operands} <= set(fields)
    if not verb.irregular:
        assert tuple(operand.field for operand in verb.operands) == fields[:-1]
        optional = [operand.default is not REQUIRED for operand in verb.operands]
        assert optional == sorted(optional), "what can be left out comes last"
    for operand in verb.operands:
        assert operand.kind in SAID or operand.kind.islower()


def example(verb: Verb, *, full: bool) -> object:
    """A node of a regular verb, with all that it can take or with as little as it must."""
    values = {"function": tree.FunctionRef(None, "f", 0, S), "flag": True, "number": 7}
    fields = [
        values.get(operand.kind, "x") if full or operand.default is REQUIRED else operand.default
        for operand in verb.operands
    ]
    return verb.node(*fields, S)


@pytest.mark.parametrize("verb", [verb for verb in actions.VERBS if not verb.irregular], ids=word)
def test_what_can_be_left_out_is_left_out_by_reduction(verb: Verb) -> None:
    whole, bare = example(verb, full=True), example(verb, full=False)
    action = verb in actions.TASK_VERBS
    if action:
        whole, bare = tree.TaskStep("t1", (whole,), S), tree.TaskStep("t1", (bare,), S)  # type: ignore[arg-type]
    assert format_statement(whole).split(": ")[-1].startswith(verb.word)  # type: ignore[arg-type]
    seen: set[object] = set()
    queue: list[tree.Item] = [tree.Step(whole, "", S)]  # type: ignore[arg-type]
    while queue:
        item = queue.pop()
        for form in simpler(item):
            new = [other for other in form if other not in seen]
            seen.update(new)
            queue += new
    assert whole == bare or tree.Step(bare, "", S) in seen  # type: ignore[arg-type]
