// SPDX-License-Identifier: GPL-2.0
// Made by klpdsl from the scenario "a reversal with a sleeper inside".

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/delay.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

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

static noinline void fn0(struct test_klp_gen_slot *slot) asm("work");
static noinline void fn0(struct test_klp_gen_slot *slot)
{
	test_klp_gen_body(slot, "original");
}


typedef void (*test_klp_gen_function)(struct test_klp_gen_slot *slot);

static test_klp_gen_function volatile test_klp_gen_functions[] = {
	fn0,
	NULL
};

/* One for each task, and one for whoever asks which version would run. */
static struct test_klp_gen_slot test_klp_gen_slots[] = {
	{ .uninterruptible = false, .ours = true },
	{ },
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
	seq_printf(m, "%s\n", test_klp_gen_slots[both >> 16].ran);
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

module_param_named(hold_0, test_klp_gen_slots[0].hold, bool, 0644);
module_param_named(inside_0, test_klp_gen_slots[0].inside, bool, 0444);

static int test_klp_gen_m_init(void)
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
	pr_info("%s\n", __func__);
	return 0;

failed:
	if (folder)
		proc_remove(folder);
	if (test_klp_gen_queue)
		destroy_workqueue(test_klp_gen_queue);
	return -ENOMEM;
}

static void test_klp_gen_m_exit(void)
{
	unsigned int slot;

	pr_info("%s\n", __func__);
	for (slot = 0; slot < ARRAY_SIZE(test_klp_gen_slots); slot++)
		WRITE_ONCE(test_klp_gen_slots[slot].hold, false);
	destroy_workqueue(test_klp_gen_queue);
	proc_remove(test_klp_gen_folder);
}

module_init(test_klp_gen_m_init);
module_exit(test_klp_gen_m_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("klpdsl");
MODULE_DESCRIPTION("Livepatch test: what is patched");
