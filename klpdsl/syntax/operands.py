"""What a word can stand for: the kinds of names, and how a verb or a condition declares what it takes.

Everything that has to know the words of the language reads these declarations: the tree's builder, the canonical text,
the resolver, the messages of errors, reduction. A word is declared where its node is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from klpdsl._records import NamedTuple

# Names of things that a scenario introduces.
PATCH = "patch"
MODULE = "module"
LOADABLE = "patch or module"
OBJECT = "object"
TASK = "task"
NEW_TASK = "new task"
FUNCTION = "function"
PROPERTY = "property"
# Words that mean something by themselves.
ERRNO = "errno"
ATTRIBUTE = "attribute"
VALUE = "value"
KEY = "key"
TEXT = "text"
NUMBER = "number"
#: One of some keywords; the field says which.
KEYWORD = "keyword"
#: A keyword that is there or not; the field is its name.
FLAG = "flag"

#: How a message calls what is expected.
SAID = {
    PATCH: "a patch",
    MODULE: "a module's name",
    LOADABLE: "the name of a patch or module",
    OBJECT: "an object's name",
    TASK: "a task's name",
    NEW_TASK: "a new task's name",
    FUNCTION: "a function",
    PROPERTY: "a property",
}


class _Required:
    """The default of an operand that can not be left out."""


REQUIRED: Any = _Required


class Operand(NamedTuple):
    """What a verb takes: the node's field, what the word stands for, and the field's value where it is left out.

    `least`, `most` and `what` bound a number and name it in a message.
    """

    field: str
    kind: str
    default: Any = REQUIRED
    least: int = 0
    most: int = 0
    what: str = ""


class Verb(NamedTuple):
    """A word that begins an action, the node that it makes, and what it takes, in the order written.

    `rule` is the rule of the grammar that makes the node. A verb whose form is not just its word and what it takes is
    `irregular`: the builder and the wording then have a function of their own for its node.
    """

    word: str
    node: type
    rule: str
    operands: tuple[Operand, ...] = ()
    irregular: bool = False


class ConditionForm(NamedTuple):
    """A condition: its node, the rule of the grammar, what its fields stand for, and where it looks.

    `latest`: it looks at the events of the step before, not at the world.
    """

    node: type
    rule: str
    operands: tuple[Operand, ...] = ()
    latest: bool = False
