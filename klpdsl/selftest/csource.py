"""The C of a generated selftest: a livepatch module for each patch, a target for what they patch."""

from __future__ import annotations

import json
from string import Template
from typing import Literal, NamedTuple

from klpdsl.selftest.conventions import MADE_BY, PATCHED_TEXT

_HEAD = """\
// SPDX-License-Identifier: GPL-2.0
// $made_by from the scenario "$scenario".

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

"""

_SLOT = """\
/* Where a task stands: in which version of a function, and whether it is to stay there. */
struct test_klp_gen_slot {
	const char *ran;
	bool hold;
	bool inside;
	bool uninterruptible;
	/* A worker of this very module: its exit waits for that one. */
	bool ours;
};

static __always_inline void test_klp_gen_body(struct test_klp_gen_slot *slot, const char *version)
{
	slot->ran = version;
	if (READ_ONCE(slot->hold)) {
		WRITE_ONCE(slot->inside, true);
		while (READ_ONCE(slot->hold)) {
			if (slot->uninterruptible) {
				msleep(20);
			} else {
				schedule_timeout_interruptible(msecs_to_jiffies(20));
				if (signal_pending(current))
					break;
			}
		}
		WRITE_ONCE(slot->inside, false);
	}
	/* No tail call: the function stays on the stack. */
	barrier();
}

"""

_TARGET = Template(
    _HEAD
    + """\
#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/delay.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

"""
    + _SLOT
    + """\
$functions
typedef void (*test_klp_gen_function)(struct test_klp_gen_slot *slot);

static test_klp_gen_function volatile test_klp_gen_functions[] = {
$table
	NULL
};

/* One for each task, and one for whoever asks which version would run. */
static struct test_klp_gen_slot test_klp_gen_slots[] = {
$slots
	{ }
};

static struct test_klp_gen_work {
	struct work_struct work;
	unsigned int slot;
	unsigned int function;
} test_klp_gen_works[ARRAY_SIZE(test_klp_gen_slots)];

static struct workqueue_struct *test_klp_gen_queue;
static struct proc_dir_entry *test_klp_gen_folder;

static void test_klp_gen_call(unsigned int slot, unsigned int function)
{
	bool ours = test_klp_gen_slots[slot].ours;

	/* Any other who is inside holds the module, as an open file would. */
	if (!ours && !try_module_get(THIS_MODULE))
		return;
	test_klp_gen_functions[function](&test_klp_gen_slots[slot]);
	if (!ours)
		module_put(THIS_MODULE);
}

static void test_klp_gen_work_func(struct work_struct *work)
{
	struct test_klp_gen_work *what = container_of(work, struct test_klp_gen_work, work);

	test_klp_gen_call(what->slot, what->function);
}

/* Reading the file SLOT-FUNCTION calls that function in that slot. */
static int test_klp_gen_show(struct seq_file *m, void *unused)
{
	unsigned long both = (unsigned long)m->private;

	test_klp_gen_call(both >> 16, both & 0xffff);
	seq_printf(m, "%s\\n", test_klp_gen_slots[both >> 16].ran);
	return 0;
}

/* Writing "SLOT FUNCTION" calls that function in that slot, in a kernel thread. */
static int test_klp_gen_start(const char *value, const struct kernel_param *unused)
{
	unsigned int slot, function;

	if (sscanf(value, "%u %u", &slot, &function) != 2)
		return -EINVAL;
	if (slot + 1 >= ARRAY_SIZE(test_klp_gen_works) || function + 1 >= ARRAY_SIZE(test_klp_gen_functions))
		return -EINVAL;
	test_klp_gen_works[slot].slot = slot;
	test_klp_gen_works[slot].function = function;
	queue_work(test_klp_gen_queue, &test_klp_gen_works[slot].work);
	return 0;
}

static const struct kernel_param_ops test_klp_gen_start_ops = { .set = test_klp_gen_start };
module_param_cb(start, &test_klp_gen_start_ops, NULL, 0200);

$params
static int ${module}_init(void)
{
	unsigned int slot, function;
	struct proc_dir_entry *folder;
	void *both;
	char name[24];

	test_klp_gen_queue = alloc_workqueue("%s", WQ_UNBOUND, 0, KBUILD_MODNAME);
	folder = test_klp_gen_folder = proc_mkdir(KBUILD_MODNAME, NULL);
	if (!test_klp_gen_queue || !folder)
		goto failed;
	for (slot = 0; slot + 1 < ARRAY_SIZE(test_klp_gen_slots); slot++) {
		INIT_WORK(&test_klp_gen_works[slot].work, test_klp_gen_work_func);
		for (function = 0; function + 1 < ARRAY_SIZE(test_klp_gen_functions); function++) {
			snprintf(name, sizeof(name), "%u-%u", slot, function);
			both = (void *)((unsigned long)slot << 16 | function);
			if (!proc_create_single_data(name, 0400, folder, test_klp_gen_show, both))
				goto failed;
		}
	}
	pr_info("%s\\n", __func__);
	return 0;

failed:
	if (folder)
		proc_remove(folder);
	if (test_klp_gen_queue)
		destroy_workqueue(test_klp_gen_queue);
	return -ENOMEM;
}

static void ${module}_exit(void)
{
	unsigned int slot;

	pr_info("%s\\n", __func__);
	for (slot = 0; slot < ARRAY_SIZE(test_klp_gen_slots); slot++)
		WRITE_ONCE(test_klp_gen_slots[slot].hold, false);
	destroy_workqueue(test_klp_gen_queue);
	proc_remove(test_klp_gen_folder);
}

module_init(${module}_init);
module_exit(${module}_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("klpdsl");
MODULE_DESCRIPTION("Livepatch test: what is patched");
"""
)

_PATCH = Template(
    _HEAD
    + """\
#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/delay.h>
#include <linux/livepatch.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

$parts
static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
$members};

static int ${module}_init(void)
{
${starts}	return klp_enable_patch(&patch);
}

static void ${module}_exit(void)
{
}

module_init(${module}_init);
module_exit(${module}_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_AUTHOR("klpdsl");
MODULE_DESCRIPTION("Livepatch test: a livepatch");
"""
)

_CALLBACKS = """\
static int pre_patch_ret;
module_param(pre_patch_ret, int, 0644);
MODULE_PARM_DESC(pre_patch_ret, "what pre_patch callbacks return, if it is not 0");

static void test_klp_gen_said(const char *callback, struct klp_object *obj, const char *name)
{
	static const char * const states[] = {
		[MODULE_STATE_LIVE] = "[MODULE_STATE_LIVE] Normal state",
		[MODULE_STATE_COMING] = "[MODULE_STATE_COMING] Full formed, running module_init",
		[MODULE_STATE_GOING] = "[MODULE_STATE_GOING] Going away",
	};

	if (obj->mod)
		pr_info("%s_callback: %s -> %s\\n", callback, obj->mod->name, states[obj->mod->state]);
	else
		pr_info("%s_callback: %s\\n", callback, name);
}

"""


_REPLACE = """\
static int replace;
module_param(replace, int, 0644);
MODULE_PARM_DESC(replace, "whether all earlier livepatches are replaced");

"""

#: The prefix of a system call's symbol, where the architecture gives it one.
_SYSCALL = """\
#if !defined(CONFIG_ARCH_HAS_SYSCALL_WRAPPER)
#define SYSCALL_PREFIX ""
#elif defined(CONFIG_X86_64)
#define SYSCALL_PREFIX "__x64_"
#elif defined(CONFIG_ARM64)
#define SYSCALL_PREFIX "__arm64_"
#elif defined(CONFIG_S390)
#define SYSCALL_PREFIX "__s390x_"
#else
#define SYSCALL_PREFIX ""
#endif

"""


class Sleeper(NamedTuple):
    """A task that may stand in a target's functions. `ours`: a kernel thread that does the target's own work."""

    uninterruptible: bool
    ours: bool


class Target(NamedTuple):
    """A target module: its functions, and the tasks that may stand in them."""

    module: str
    functions: tuple[str, ...]
    tasks: tuple[Sleeper, ...]


class NewFunction(NamedTuple):
    """A function that is patched, by its old symbol.

    `kind`: that of a generated target (`slot`), or the core kernel's, which prints into a file or is a system call.
    """

    name: str
    kind: Literal["slot", "file", "syscall"]


class ObjectInC(NamedTuple):
    """An object of a livepatch: its module (empty: vmlinux), its functions, its callbacks with an errno."""

    module: str
    functions: tuple[NewFunction, ...]
    callbacks: tuple[tuple[str, int], ...]


class LivePatch(NamedTuple):
    """A livepatch module; `version` is what its functions say has run.

    `replace` is None where the parameter of that name says so when the module is loaded.
    """

    module: str
    version: str
    objects: tuple[ObjectInC, ...]
    replace: bool | None
    states: tuple[tuple[int, int], ...]


def _quoted(text: str) -> str:
    """Return a C string: what JSON escapes, C reads as the same; what is not ASCII has been refused."""
    return json.dumps(text)


def _comment(text: str) -> str:
    """Return a text that stays within a line's comment."""
    return "".join(c if c.isprintable() and c not in "\\\\" else " " for c in text)


def target_source(target: Target, scenario: str) -> str:
    """Return the C of a target module."""
    functions = "".join(
        f'static noinline void fn{i}(struct test_klp_gen_slot *slot) asm("{name}");\n'
        f"static noinline void fn{i}(struct test_klp_gen_slot *slot)\n"
        '{\n\ttest_klp_gen_body(slot, "original");\n}\n\n'
        for i, name in enumerate(target.functions)
    )
    params = "".join(
        f"module_param_named(hold_{i}, test_klp_gen_slots[{i}].hold, bool, 0644);\n"
        f"module_param_named(inside_{i}, test_klp_gen_slots[{i}].inside, bool, 0444);\n"
        for i in range(len(target.tasks))
    )
    slots = "".join(
        f"\t{{ .uninterruptible = {str(task.uninterruptible).lower()}, .ours = {str(task.ours).lower()} }},\n"
        for task in target.tasks
    )
    return _TARGET.substitute(
        made_by=MADE_BY,
        scenario=_comment(scenario),
        module=target.module,
        functions=functions,
        table="".join(f"\tfn{i},\n" for i in range(len(target.functions))).rstrip("\n"),
        slots=f"{slots}\t{{ }},",
        params=params,
    )


def patch_source(patch: LivePatch, scenario: str) -> str:
    """Return the C of a livepatch module."""
    kinds = {function.kind for obj in patch.objects for function in obj.functions}
    parts = _SLOT if "slot" in kinds else ""
    parts += _SYSCALL if "syscall" in kinds else ""
    parts += _CALLBACKS if any(obj.callbacks for obj in patch.objects) else ""
    parts += _REPLACE if patch.replace is None else ""
    objects = ""
    number = 0
    for index, obj in enumerate(patch.objects):
        rows = ""
        for function in obj.functions:
            parts += _new_version(number, patch.version, function.kind)
            prefix = "SYSCALL_PREFIX " if function.kind == "syscall" else ""
            rows += f'\t{{\n\t\t.old_name = {prefix}"{function.name}",\n\t\t.new_func = new{number},\n\t}},\n'
            number += 1
        parts += f"static struct klp_func funcs{index}[] = {{\n{rows}\t{{ }}\n}};\n\n"
        members = f'\t\t.name = "{obj.module}",\n' if obj.module else ""
        members += f"\t\t.funcs = funcs{index},\n"
        for callback, errno in obj.callbacks:
            parts += _callback(index, callback, errno)
            members += f"\t\t.callbacks.{callback} = {callback}{index},\n"
        objects += f"\t{{\n{members}\t}},\n"
    parts += f"static struct klp_object objs[] = {{\n{objects}\t{{ }}\n}};\n\n"
    if patch.states:
        rows = "".join(f"\t{{ .id = {id_}, .version = {version} }},\n" for id_, version in patch.states)
        parts += f"static struct klp_state states[] = {{\n{rows}\t{{ }}\n}};\n\n"
    members = "\t.states = states,\n" if patch.states else ""
    members += "\t.replace = true,\n" if patch.replace else ""
    return _PATCH.substitute(
        made_by=MADE_BY,
        scenario=_comment(scenario),
        module=patch.module,
        parts=parts.rstrip("\n") + "\n",
        members=members,
        starts="\tpatch.replace = replace;\n" if patch.replace is None else "",
    )


def _new_version(number: int, version: str, kind: str) -> str:
    if kind == "slot":
        return (
            f"static noinline void new{number}(struct test_klp_gen_slot *slot)\n"
            f"{{\n\ttest_klp_gen_body(slot, {_quoted(version)});\n}}\n\n"
        )
    if kind == "syscall":
        return f"static long new{number}(void)\n{{\n\treturn task_tgid_vnr(current);\n}}\n\n"
    return (
        f"static int new{number}(struct seq_file *m, void *v)\n"
        f'{{\n\tseq_printf(m, "%s: %s\\n", THIS_MODULE->name, "{PATCHED_TEXT}");\n\treturn 0;\n}}\n\n'
    )


def _callback(index: int, callback: str, errno: int) -> str:
    returns = "int" if callback == "pre_patch" else "void"
    text = f"static {returns} {callback}{index}(struct klp_object *obj)\n"
    text += f'{{\n\ttest_klp_gen_said("{callback}", obj, obj->name ? obj->name : "vmlinux");\n'
    if callback == "pre_patch":
        text += f"\treturn pre_patch_ret ? pre_patch_ret : {-errno};\n"
    return text + "}\n\n"
