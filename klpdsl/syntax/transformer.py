"""From lark's parse tree to the nodes of `klpdsl.syntax.tree`.

The parse tree is right by the grammar; what the grammar does not say about a single word is checked here, where
the word still has its place: the size of a number, the length of a name, the escapes in a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar, cast

from lark import Token, Transformer, Tree, v_args
from lark.tree import Meta

from klpdsl.syntax import actions, limits, tree, words
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.operands import FLAG, KEYWORD, NUMBER, REQUIRED, Operand, Verb
from klpdsl.syntax.pieces import (
    BlockPart,
    BuildOfPart,
    ConstructorPart,
    FailsPart,
    GivesPart,
    OwnerPart,
    ProbesPart,
    ReadsPart,
    RedirectsPart,
    ResultPart,
    SrcversionPart,
    SymposPart,
    TakesPart,
    quantifier,
    with_task,
)
from klpdsl.syntax.place import Name, Span
from klpdsl.syntax.terminals import Words, token_span

_T = TypeVar("_T")


def build_scenario(
    parsed: Tree[Token], comments: tuple[tree.Comment, ...], span: Span, report: Callable[[Diagnostic], None]
) -> tree.ScenarioTree:
    """Return the tree of a parsed file. Words that are wrong by themselves are reported and left in."""
    items: Sequence[tree.Item] = _Builder(span.source, report).transform(parsed)
    return tree.ScenarioTree(tuple(items), comments, span)


def _of(kind: type[_T], parts: Iterable[object]) -> tuple[_T, ...]:
    return tuple(part for part in parts if isinstance(part, kind))


def _first(kind: type[_T], parts: Iterable[object]) -> _T | None:
    return next((part for part in parts if isinstance(part, kind)), None)


_W = TypeVar(
    "_W", OwnerPart, ReadsPart, ResultPart, ConstructorPart, BuildOfPart, SrcversionPart, TakesPart, GivesPart
)


def _word(kind: type[_W], parts: Iterable[object]) -> str:
    """Return the word that one of the parts holds; nothing where there is none."""
    found = _first(kind, parts)
    return found.word if found else ""


#: The verbs that are just their word and what they take, by the rule that makes them.
_REGULAR = {verb.rule: verb for verb in actions.VERBS if not verb.irregular}


def _fits(part: object, operand: Operand) -> bool:
    """Return whether a part is what an operand that may be left out would be."""
    if isinstance(part, Token):
        return part.type == "INTEGER" if operand.kind == NUMBER else part == operand.field
    return operand.kind not in {FLAG, NUMBER}


@v_args(meta=True)
class _Builder(Transformer[Token, Any]):
    """One method for each rule of the grammar that is not inlined (`_rule`), in the grammar's order.

    A method gets what the rule's parts became: nodes, strings for names, tokens for the keywords that matter.
    What did not parse (`broken`) became None.
    """

    def __init__(self, source: str, report: Callable[[Diagnostic], None]) -> None:
        super().__init__(visit_tokens=True)
        self._source = source
        self._report = report
        self._words = Words(source, report)

    def _span(self, meta: Meta) -> Span:
        return Span(self._source, meta.line, meta.column, meta.end_line, meta.end_column)

    def start(self, _meta: Meta, parts: list[Any]) -> list[Any]:
        return [part for part in parts if part is not None]

    def broken(self, _meta: Meta, _parts: list[Any]) -> None:
        return None

    def __default__(self, data: Any, children: list[Any], meta: Meta) -> Any:
        """Make the node of a regular verb from what it takes."""
        verb = _REGULAR[str(data)]
        return self._regular(verb, children, self._span(meta))

    def proceed(self, meta: Meta, parts: list[Any]) -> tree.Proceed:
        return tree.Proceed(parts[-1], self._span(meta))

    def _regular(self, verb: Verb, parts: Sequence[Any], span: Span) -> Any:
        left = list(parts)
        fields = []
        for operand in verb.operands:
            if operand.default is REQUIRED or (left and _fits(left[0], operand)):
                part = left.pop(0)
                fields.append(self._taken(part, operand))
            else:
                fields.append(operand.default)
        return verb.node(*fields, span)

    def _taken(self, part: Any, operand: Operand) -> Any:
        if operand.kind == FLAG:
            return True
        if operand.kind == KEYWORD:
            return str(part)
        if operand.kind == NUMBER:
            return self._number(part, operand.least, operand.most, operand.what)
        return part

    # --- header ---

    def title(self, meta: Meta, parts: list[str]) -> tree.Title:
        return tree.Title(parts[0], self._span(meta))

    def engines(self, meta: Meta, parts: list[tree.EngineRange]) -> tree.Engines:
        return tree.Engines(tuple(parts), self._span(meta))

    def engine_one(self, meta: Meta, parts: list[str]) -> tree.EngineRange:
        return tree.EngineRange(parts[0], parts[0], self._span(meta))

    def engine_between(self, meta: Meta, parts: list[str]) -> tree.EngineRange:
        return tree.EngineRange(parts[0], parts[1], self._span(meta))

    def engine_from(self, meta: Meta, parts: list[str]) -> tree.EngineRange:
        return tree.EngineRange(parts[0], "", self._span(meta))

    def engine_upto(self, meta: Meta, parts: list[str]) -> tree.EngineRange:
        return tree.EngineRange("", parts[0], self._span(meta))

    def import_(self, meta: Meta, parts: list[str]) -> tree.Import:
        return tree.Import(parts[0], self._span(meta))

    # --- world ---

    def vmlinux(self, meta: Meta, parts: list[Any]) -> tree.VmlinuxDecl:
        return tree.VmlinuxDecl(parts[0], self._span(meta))

    def module(self, meta: Meta, parts: list[Any]) -> tree.ModuleDecl:
        functions = next((part for part in parts if type(part) is tuple), ())
        probed, redirected = _first(ProbesPart, parts), _first(RedirectsPart, parts)
        loaded = next((part for part in parts if isinstance(part, Token)), None)
        fails = _first(FailsPart, parts)
        if loaded is not None and fails is not None:
            message = "a module whose init fails can not be loaded already"
            self._report(Diagnostic(token_span(loaded, self._source), message))
        return tree.ModuleDecl(
            parts[0],
            functions,
            probed.functions if probed else (),
            redirected.functions if redirected else (),
            loaded is not None,
            fails.word if fails else "",
            _word(BuildOfPart, parts),
            _word(SrcversionPart, parts),
            self._span(meta),
        )

    def build_of(self, _meta: Meta, parts: list[Name]) -> BuildOfPart:
        return BuildOfPart(parts[0])

    def srcversion(self, _meta: Meta, parts: list[str]) -> SrcversionPart:
        return SrcversionPart(parts[0])

    def fails(self, _meta: Meta, parts: list[Name]) -> FailsPart:
        return FailsPart(parts[0])

    def probes(self, _meta: Meta, parts: list[tree.FunctionRef]) -> ProbesPart:
        return ProbesPart(tuple(parts))

    def redirects(self, _meta: Meta, parts: list[tree.FunctionRef]) -> RedirectsPart:
        return RedirectsPart(tuple(parts))

    def function_list(self, _meta: Meta, parts: list[Any]) -> tuple[tree.FunctionDecl, ...]:
        return _of(tree.FunctionDecl, parts)

    def function_decl(self, meta: Meta, parts: list[Any]) -> tree.FunctionDecl:
        return tree.FunctionDecl(parts[0], len(parts) > 1, self._span(meta))

    def task(self, meta: Meta, parts: list[Any]) -> tree.TaskDecl:
        kind, name, *rest = parts
        flags = [part for part in rest if isinstance(part, Token)]
        words = [flag.type for flag in flags]
        for index, flag in enumerate(flags):
            if flag.type in words[:index]:
                self._report(Diagnostic(token_span(flag, self._source), f"`{flag}` is said twice"))
        owner = _first(OwnerPart, parts)
        if owner is not None and kind.type == "TASK":
            message = "a module has kernel threads of its own, not user tasks"
            self._report(Diagnostic(self._span(meta), message))
        return tree.TaskDecl(
            name,
            "user" if kind.type == "TASK" else "kthread",
            owner.word if owner else "",
            "RUNNING" in words,
            next((part for part in rest if type(part) is tuple), ()),
            "UNINTERRUPTIBLE" in words,
            "UNRELIABLE" in words,
            tuple(flag for flag in tree.TASK_FLAGS if flag.upper() in words),
            self._span(meta),
        )

    def of(self, _meta: Meta, parts: list[Name]) -> OwnerPart:
        return OwnerPart(parts[0])

    def stack(self, _meta: Meta, parts: list[tree.FunctionRef]) -> tuple[tree.FunctionRef, ...]:
        return tuple(parts)

    def task_flag(self, _meta: Meta, parts: list[Token]) -> Token:
        return parts[0]

    def cpus(self, meta: Meta, parts: list[Token]) -> tree.CpusDecl:
        number = self._number(parts[0], 1, limits.CPUS, "the number of CPUs")
        return tree.CpusDecl(number, len(parts) > 1, self._span(meta))

    def contended(self, meta: Meta, parts: list[Token]) -> tree.ContendedDecl:
        number = self._number(parts[0], 1, limits.CONTENDED, "how many tasks an attempt looks at")
        return tree.ContendedDecl(number, self._span(meta))

    def async_(self, meta: Meta, _parts: list[Any]) -> tree.AsyncDecl:
        return tree.AsyncDecl(self._span(meta))

    def arch(self, meta: Meta, parts: list[str]) -> tree.ArchDecl:
        return tree.ArchDecl(parts[0], self._span(meta))

    def patch(self, meta: Meta, parts: list[Any]) -> tree.PatchDecl:
        return tree.PatchDecl(*self._patch(parts), self._span(meta))

    def _patch(self, parts: list[Any]) -> tuple[str, tuple[tree.PatchFlag, ...], tree.PatchBody | None]:
        return parts[0], _of(tree.PatchFlag, parts), _first(tree.PatchBody, parts)

    def flag(self, meta: Meta, parts: list[Token]) -> tree.PatchFlag:
        numbers = (self._number(part, 0, limits.SET_NUMBER, "a set's number") for part in parts[1:])
        return tree.PatchFlag(str(parts[0]), tuple(numbers), self._span(meta))

    def patch_body(self, meta: Meta, parts: list[Any]) -> tree.PatchBody:
        return tree.PatchBody(tuple(part for part in parts if part is not None), self._span(meta))

    def patch_function(self, meta: Meta, parts: list[Any]) -> tree.PatchFunction:
        immediate = any(isinstance(part, Token) for part in parts)
        return tree.PatchFunction(parts[0], int(_first(SymposPart, parts) or 0), immediate, self._span(meta))

    def patch_object(self, meta: Meta, parts: list[Any]) -> tree.PatchObject:
        return tree.PatchObject(parts[0], _word(SrcversionPart, parts), parts[-1], self._span(meta))

    def patch_functions(self, _meta: Meta, parts: list[Any]) -> tuple[tree.PatchFunction, ...]:
        return _of(tree.PatchFunction, parts)

    def sympos(self, _meta: Meta, parts: list[Token]) -> SymposPart:
        return SymposPart(self._number(parts[0], 0, limits.SYMPOS, "sympos"))

    def callbacks(self, meta: Meta, parts: list[Any]) -> tree.PatchCallbacks:
        return tree.PatchCallbacks(parts[0], parts[1] if len(parts) > 1 else None, self._span(meta))

    def callback_list(self, _meta: Meta, parts: list[Any]) -> tuple[tree.Callback, ...]:
        return _of(tree.Callback, parts)

    def callback(self, meta: Meta, parts: list[Any]) -> tree.Callback:
        name = cast(tree.CallbackName, str(parts[0]))
        errno = next((part for part in parts[1:] if isinstance(part, Name)), "")
        return tree.Callback(
            name,
            errno,
            _word(ReadsPart, parts),
            _word(TakesPart, parts),
            _word(GivesPart, parts),
            self._span(meta),
        )

    def reads(self, _meta: Meta, parts: list[Name]) -> ReadsPart:
        return ReadsPart(parts[0])

    def takes(self, _meta: Meta, parts: list[Name]) -> TakesPart:
        return TakesPart(parts[0])

    def gives(self, _meta: Meta, parts: list[Name]) -> GivesPart:
        return GivesPart(parts[0])

    def state(self, meta: Meta, parts: list[Any]) -> tree.PatchState:
        tokens = [part for part in parts if isinstance(part, Token)]
        said = {token.type for token in tokens}
        numbers = [
            self._number(token, 0, limits.STATE_NUMBER, f"a state's {what}")
            for token, what in zip(tokens, ("number", "version"), strict=False)
            if token.type == "INTEGER"
        ]
        callbacks = next((part for part in parts if type(part) is tuple), None)
        return tree.PatchState(
            numbers[0],
            sum(numbers[1:]),
            "BLOCK_DISABLE" in said,
            "SHADOWED" in said,
            callbacks,
            self._span(meta),
        )

    def relocations(self, meta: Meta, parts: list[Any]) -> tree.PatchRelocations:
        return tree.PatchRelocations(parts[0], parts[1], self._span(meta))

    def relocation_list(self, _meta: Meta, parts: list[Any]) -> tuple[tree.FunctionRef, ...]:
        return _of(tree.FunctionRef, parts)

    # --- actions ---

    def step(self, meta: Meta, parts: list[Any]) -> tree.Step:
        return tree.Step(parts[0], _word(ResultPart, parts), self._span(meta))

    def result(self, _meta: Meta, parts: list[Any]) -> ResultPart:
        return ResultPart(self._as_name(parts[0]) if isinstance(parts[0], Token) else parts[0])

    def load(self, meta: Meta, parts: list[Any]) -> tree.Load:
        return tree.Load(*self._patch(parts), self._span(meta))

    def apply(self, meta: Meta, parts: list[Any]) -> tree.Apply:
        return tree.Apply(*self._patch(parts), self._span(meta))

    def sysctl(self, meta: Meta, parts: list[Token]) -> tree.Sysctl:
        value = self._number(parts[1], 0, limits.SYSCTL_VALUE, "a sysctl's value")
        return tree.Sysctl(parts[0], value, self._span(meta))

    def open(self, meta: Meta, parts: list[Token]) -> tree.Open:
        return tree.Open(*self._directory(parts[0]), self._span(meta))

    def close(self, meta: Meta, parts: list[Token]) -> tree.Close:
        return tree.Close(*self._directory(parts[0]), self._span(meta))

    def hold(self, meta: Meta, parts: list[Token]) -> tree.Hold:
        return tree.Hold(*self._directory(parts[0]), self._span(meta))

    def drop(self, meta: Meta, parts: list[Token]) -> tree.Drop:
        return tree.Drop(*self._directory(parts[0]), self._span(meta))

    def _directory(self, token: Token) -> tuple[Name, Name]:
        """Return a patch and the path below its directory."""
        source, line, column, end_line, end_column = token_span(token, self._source)
        name, _, path = token.partition("/")
        middle = column + len(name)
        return (
            Name(name, Span(source, line, column, line, middle)),
            Name(path, Span(source, line, middle + 1, end_line, end_column)),
        )

    def set_callbacks(self, meta: Meta, parts: list[Any]) -> tree.SetCallbacks:
        return tree.SetCallbacks(parts[0], parts[1], parts[2], self._span(meta))

    def constructor(self, _meta: Meta, parts: list[Token]) -> ConstructorPart:
        return ConstructorPart(parts[1] if len(parts) > 1 else "0")  # ERRNO has become a name

    def shadow(self, meta: Meta, parts: list[Any]) -> tree.Shadow:
        verb = cast(Literal["get", "alloc", "get_or_alloc", "free", "free_all"], str(parts[0]))
        number = next(part for part in parts if isinstance(part, Token) and part.type == "INTEGER")
        before, after = parts[1 : parts.index(number)], parts[parts.index(number) + 1 :]
        data = next(
            (part for part in after if not isinstance(part, ConstructorPart | OwnerPart | Token)), None
        )
        return tree.Shadow(
            verb,
            before[0] if before else "",
            self._number(number, 0, limits.SHADOW_ID, "a shadow variable's id"),
            data,
            _word(ConstructorPart, after),
            any(isinstance(part, Token) and part.type == "DESTRUCTOR" for part in after),
            _word(OwnerPart, after) or None,
            self._span(meta),
        )

    def task_step(self, meta: Meta, parts: list[Any]) -> tree.TaskStep:
        return tree.TaskStep(parts[0], tuple(parts[1:]), self._span(meta))

    def simple(self, meta: Meta, parts: list[Token]) -> tree.Simple:
        verb = cast(Literal["run", "sleep", "resched", "freeze", "continue"], str(parts[0]))
        return tree.Simple(verb, self._span(meta))

    # --- observations ---

    def expect(self, meta: Meta, parts: list[tree.Condition]) -> tree.Expect:
        return tree.Expect(parts[0], self._span(meta))

    def always(self, meta: Meta, parts: list[tree.Condition]) -> tree.Always:
        return tree.Always(parts[0], self._span(meta))

    def never(self, meta: Meta, parts: list[tree.Condition]) -> tree.Never:
        return tree.Never(parts[0], self._span(meta))

    def attribute_is(self, meta: Meta, parts: list[str]) -> tree.AttributeIs:
        return tree.AttributeIs(parts[0], parts[1], parts[2], self._span(meta))

    def state_is(self, meta: Meta, parts: list[str]) -> tree.TaskStateIs:
        return tree.TaskStateIs(parts[0], str(parts[2]), parts[1] == "!=", self._span(meta))

    def sees(self, meta: Meta, parts: list[Any]) -> tree.TaskSees:
        return tree.TaskSees(parts[0], parts[1], parts[3], parts[2] == "!=", self._span(meta))

    def tasks_are(self, meta: Meta, parts: list[str]) -> tree.TasksAre:
        return tree.TasksAre(quantifier(parts[0]), str(parts[2]), parts[1] == "!=", self._span(meta))

    def tasks_see(self, meta: Meta, parts: list[Any]) -> tree.TasksSee:
        negated = parts[2] == "!="
        return tree.TasksSee(quantifier(parts[0]), parts[1], parts[3], negated, self._span(meta))

    def both(self, meta: Meta, parts: list[Any]) -> tree.Both:
        return tree.Both(tuple(parts), self._span(meta))

    def transition_is(self, meta: Meta, parts: list[str]) -> tree.TransitionIs:
        patch = None if isinstance(parts[1], Token) else parts[1]
        return tree.TransitionIs(patch, parts[0] == "!=", self._span(meta))

    def log(self, meta: Meta, parts: list[str]) -> tree.LogContains:
        return tree.LogContains(parts[0], self._span(meta))

    def violation(self, meta: Meta, parts: list[str]) -> tree.ViolationSeen:
        negated = bool(parts) and isinstance(parts[0], Token)
        names = [part for part in parts if not isinstance(part, Token)]
        return tree.ViolationSeen(names[0] if names else None, negated, self._span(meta))

    def property(self, meta: Meta, parts: list[str]) -> tree.PropertyNamed:
        return tree.PropertyNamed(parts[0], self._span(meta))

    # --- nondeterminism ---

    def interleave(self, meta: Meta, parts: list[Any]) -> tree.Interleave:
        said = [part for part in parts if isinstance(part, Token)]
        what = "how many functions deep tasks go"
        deep = self._number(said[1], 1, limits.STACK, what) if len(said) > 1 else words.FOREVER_DEPTH
        return tree.Interleave(_of(tree.Thread, parts), deep if said else 0, self._span(meta))

    def operator_thread(self, meta: Meta, parts: list[BlockPart]) -> tree.Thread:
        return tree.Thread(tree.OPERATOR, parts[0].body, self._span(meta))

    def task_thread(self, meta: Meta, parts: list[Any]) -> tree.Thread:
        body = tuple(with_task(parts[0], statement) for statement in parts[1].body)
        return tree.Thread(parts[0], body, self._span(meta))

    def choose(self, meta: Meta, parts: list[BlockPart]) -> tree.Choose:
        branches = tuple(branch.body for branch in parts)
        return tree.Choose(branches, tuple(branch.span for branch in parts), self._span(meta))

    def block(self, meta: Meta, parts: list[Any]) -> BlockPart:
        return BlockPart(tuple(part for part in parts if part is not None), self._span(meta))

    def action_step(self, meta: Meta, parts: list[Any]) -> tree.Step:
        action = parts[0]
        step = tree.TaskStep("", (action,), action.span)
        return tree.Step(step, _word(ResultPart, parts), self._span(meta))

    # --- names ---

    def function(self, meta: Meta, parts: list[Any]) -> tree.FunctionRef:
        sympos = int(_first(SymposPart, parts) or 0)
        names = [part for part in parts if not isinstance(part, SymposPart)]
        return tree.FunctionRef(names[0] if len(names) > 1 else None, names[-1], sympos, self._span(meta))

    def label(self, _meta: Meta, parts: list[Any]) -> Name:
        return self._as_name(parts[0]) if isinstance(parts[0], Token) else cast(Name, parts[0])

    item_name = label
    subject = label

    # --- words ---

    def _as_name(self, token: Token) -> Name:
        """Return a token as the word that it is."""
        return Name(str(token), token_span(token, self._source))

    def NAME(self, token: Token) -> Name:  # noqa: N802 - lark finds it by the terminal's name
        """Return a name without its quotes."""
        return self._words.name(token)

    def VALUE(self, token: Token) -> Name:  # noqa: N802 - as above
        """Return a value without its quotes; unlike a name it may be anything."""
        return self._words.text(token) if token.startswith('"') else self._as_name(token)

    def STRING(self, token: Token) -> Name:  # noqa: N802 - as above
        """Return the text between the quotes."""
        return self._words.text(token)

    ENGINE = NAME
    KEY = ATTRIBUTE = ERRNO = _as_name

    def _number(self, token: Token, least: int, most: int, what: str) -> int:
        return self._words.number(token, least, most, what)
