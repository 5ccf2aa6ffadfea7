// SPDX-License-Identifier: GPL-2.0
// Made by klpdsl from the scenario "a reversal with a sleeper inside".

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/delay.h>
#include <linux/livepatch.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

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

static noinline void new0(struct test_klp_gen_slot *slot)
{
	test_klp_gen_body(slot, "p1");
}

static struct klp_func funcs0[] = {
	{
		.old_name = "work",
		.new_func = new0,
	},
	{ }
};

static struct klp_object objs[] = {
	{
		.name = "test_klp_gen_m",
		.funcs = funcs0,
	},
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int test_klp_gen_p1_init(void)
{
	return klp_enable_patch(&patch);
}

static void test_klp_gen_p1_exit(void)
{
}

module_init(test_klp_gen_p1_init);
module_exit(test_klp_gen_p1_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_AUTHOR("klpdsl");
MODULE_DESCRIPTION("Livepatch test: a livepatch");
