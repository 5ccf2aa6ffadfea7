// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The runtime of klpdsl's guest: keeps the tasks of a scenario asleep inside
 * patchable functions until they are told what to do next, and says in the
 * kernel's log, between the kernel's own lines, what they do.
 */
#define pr_fmt(fmt) "klprt: " fmt
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "klprt.h"

enum {
	ORDER_NONE, ORDER_CALL, ORDER_RETURN, ORDER_STOP, ORDER_ABANDON,
	ORDER_RESCHED, ORDER_FREEZE, ORDER_FORK, ORDER_ENTER, ORDER_PROBE,
};

struct klprt_task {
	struct list_head node;
	char name[KLPRT_NAME];
	struct task_struct *task;
	bool kthread;
	wait_queue_head_t orders;
	int order;
	void (*entry)(void);
	bool waiting;		/* waits for an order */
	bool interrupted;	/* a signal takes it out of all its functions */
	bool uninterruptible;
	bool through;		/* the next function is left at once */
	bool probing;		/* the next function only notes whose code it is */
	char seen[KLPRT_NAME];
	int depth;
	/* The modules it is inside of, each pinned once, as an open file of theirs would. */
	struct module *pinned[KLPRT_DEPTH];
};

struct klprt_sites {
	struct list_head node;
	const struct klprt_site *sites;
	int count;
	struct module *owner;
};

struct klprt_patch {
	struct list_head node;
	struct klp_patch *patch;
};

/* A kprobe of the scenario. */
struct klprt_kprobe {
	struct list_head node;
	struct kprobe probe;
	char object[KLPRT_NAME], function[KLPRT_NAME];
	int position;
};

static LIST_HEAD(tasks);
static LIST_HEAD(registered);
static LIST_HEAD(patches);
static LIST_HEAD(kprobes);
static DEFINE_MUTEX(kprobes_lock);	/* for `kprobes`; taken before `lock` */
static DEFINE_MUTEX(lock);	/* protects the lists */
static pid_t (*clone_process)(struct kernel_clone_args *arguments);

/* The kernel's own retries, about one a second; they wait here until a tick. */
static struct delayed_work *transition_work;
static bool held;

static struct klprt_task *find_task(const char *name)
{
	struct klprt_task *t;

	list_for_each_entry(t, &tasks, node)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

static struct klprt_task *find_current(void)
{
	struct klprt_task *t, *found = NULL;

	mutex_lock(&lock);
	list_for_each_entry(t, &tasks, node)
		if (t->task == current)
			found = t;
	mutex_unlock(&lock);
	return found;
}

static void (*find_entry(const struct klprt_request *r))(void)
{
	struct klprt_sites *s;
	int i;

	list_for_each_entry(s, &registered, node)
		for (i = 0; i < s->count; i++)
			if (!strcmp(s->sites[i].object, r->object) &&
			    !strcmp(s->sites[i].function, r->function) &&
			    s->sites[i].position == r->position)
				return s->sites[i].entry;
	return NULL;
}

/* Pins the module that `object` is, unless a function of it that `t` is inside of has done so. */
static void pin(struct klprt_task *t, const char *object)
{
	struct module *owner = NULL;
	struct klprt_sites *s;
	int i;

	mutex_lock(&lock);
	list_for_each_entry(s, &registered, node)
		if (s->count && !strcmp(s->sites[0].object, object))
			owner = s->owner;
	for (i = 0; i < t->depth; i++)
		if (t->pinned[i] == owner)
			owner = NULL;
	if (owner)
		__module_get(owner);
	t->pinned[t->depth] = owner;
	mutex_unlock(&lock);
}

static void unpin(struct klprt_task *t)
{
	if (t->pinned[t->depth])
		module_put(t->pinned[t->depth]);
	t->pinned[t->depth] = NULL;
}

/* Sleeps until there is an order; not 0 if a signal came first. */
static int wait_for_order(struct klprt_task *t)
{
	int err = 0;

	WRITE_ONCE(t->waiting, true);
	if (t->uninterruptible)
		wait_event(t->orders, t->order != ORDER_NONE);
	else
		err = wait_event_interruptible(t->orders, t->order != ORDER_NONE);
	t->waiting = false;
	return err;
}

/* A sleep in which the task may be frozen. */
static void nap_freezable(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE | TASK_FREEZABLE);
	schedule_timeout(1);
}

/*
 * fork(2), but not from user mode: the child begins with what its parent is at
 * this moment, and its first instruction in user mode is the one after the
 * system call that the parent is in.
 */
static void fork_here(void)
{
	struct kernel_clone_args arguments = { .exit_signal = SIGCHLD };
	pid_t pid = clone_process(&arguments);

	if (pid < 0)
		pr_err("cannot fork: %d\n", pid);
}

/* Obeys what changes nothing about where the task is; false for what does. */
static bool pass_by(struct klprt_task *t, int order)
{
	switch (order) {
	case ORDER_PROBE:
		t->probing = true;
		t->entry();
		t->probing = false;
		return true;
	case ORDER_RESCHED:
		cond_resched();
		return true;
	case ORDER_FREEZE:
		nap_freezable();
		return true;
	case ORDER_FORK:
		fork_here();
		return true;
	}
	return false;
}

void klprt_body(const struct klprt_site *site)
{
	struct klprt_task *t = find_current();
	bool through;
	int order;

	if (!t)
		return;
	if (t->probing) {
		strscpy(t->seen, site->code, sizeof(t->seen));
		return;
	}
	if (t->depth == KLPRT_DEPTH)
		return;
	through = t->through;
	pin(t, site->object);
	t->depth++;
	pr_info("call %s %s %s %s\n", t->name, site->object, site->function, site->code);
	while (!through) {
		if (wait_for_order(t)) {
			t->interrupted = true;
			break;
		}
		order = t->order;
		t->order = ORDER_NONE;
		if (pass_by(t, order))
			continue;
		t->interrupted = order == ORDER_ABANDON;
		if (order != ORDER_CALL)
			break;
		t->entry();
		if (t->interrupted)
			break;
	}
	t->depth--;
	t->through = false;
	unpin(t);
	pr_info("return %s %s %s %s\n", t->name, site->object, site->function, site->code);
}
EXPORT_SYMBOL_GPL(klprt_body);

void klprt_register(const struct klprt_site *sites, int count, struct module *owner)
{
	struct klprt_sites *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return;
	s->sites = sites;
	s->count = count;
	s->owner = owner;
	mutex_lock(&lock);
	list_add_tail(&s->node, &registered);
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(klprt_register);

static void drop_kprobes(const struct klprt_site *sites);

void klprt_unregister(const struct klprt_site *sites)
{
	struct klprt_sites *s, *next;

	drop_kprobes(sites);
	mutex_lock(&lock);
	list_for_each_entry_safe(s, next, &registered, node) {
		if (s->sites != sites)
			continue;
		list_del(&s->node);
		kfree(s);
	}
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(klprt_unregister);

static int look_on(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

static void look_on_afterwards(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct klprt_kprobe *find_kprobe(const char *object, const char *function, int position, bool after)
{
	struct klprt_kprobe *k;

	list_for_each_entry(k, &kprobes, node)
		if (!strcmp(k->object, object) && !strcmp(k->function, function) &&
		    k->position == position && !k->probe.post_handler == !after)
			return k;
	return NULL;
}

/* A kprobe comes to a function. `after`: it has a post_handler, so calls may go on somewhere else. */
int klprt_attach(const char *object, const char *function, int position, bool after)
{
	struct klprt_request r = { .position = position };
	struct klprt_kprobe *k = kzalloc(sizeof(*k), GFP_KERNEL);
	int err;

	if (!k)
		return -ENOMEM;
	strscpy(r.object, object, sizeof(r.object));
	strscpy(r.function, function, sizeof(r.function));
	mutex_lock(&kprobes_lock);
	mutex_lock(&lock);
	k->probe.addr = (void *)find_entry(&r);
	mutex_unlock(&lock);
	k->probe.pre_handler = look_on;
	k->probe.post_handler = after ? look_on_afterwards : NULL;
	err = k->probe.addr ? register_kprobe(&k->probe) : -ENOENT;
	if (err) {
		kfree(k);
	} else {
		strscpy(k->object, object, sizeof(k->object));
		strscpy(k->function, function, sizeof(k->function));
		k->position = position;
		list_add_tail(&k->node, &kprobes);
	}
	mutex_unlock(&kprobes_lock);
	return err;
}
EXPORT_SYMBOL_GPL(klprt_attach);

static void drop_kprobe(struct klprt_kprobe *k)
{
	unregister_kprobe(&k->probe);
	list_del(&k->node);
	kfree(k);
}

int klprt_detach(const char *object, const char *function, int position, bool after)
{
	struct klprt_kprobe *k;

	mutex_lock(&kprobes_lock);
	k = find_kprobe(object, function, position, after);
	if (k)
		drop_kprobe(k);
	mutex_unlock(&kprobes_lock);
	return k ? 0 : -ENOENT;
}
EXPORT_SYMBOL_GPL(klprt_detach);

/* What is on the functions of a module, goes with it. */
static void drop_kprobes(const struct klprt_site *sites)
{
	struct klprt_kprobe *k, *next;

	mutex_lock(&kprobes_lock);
	list_for_each_entry_safe(k, next, &kprobes, node)
		if (sites->object && !strcmp(k->object, sites->object))
			drop_kprobe(k);
	mutex_unlock(&kprobes_lock);
}

int klprt_callback(const char *patch, const char *object, const char *callback, int result)
{
	pr_info("callback %s %s %s %d\n", patch, object, callback, result);
	return result;
}
EXPORT_SYMBOL_GPL(klprt_callback);

void klprt_add_patch(struct klp_patch *patch)
{
	struct klprt_patch *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return;
	p->patch = patch;
	mutex_lock(&lock);
	list_add_tail(&p->node, &patches);
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(klprt_add_patch);

void klprt_remove_patch(struct klp_patch *patch)
{
	struct klprt_patch *p, *next;

	mutex_lock(&lock);
	list_for_each_entry_safe(p, next, &patches, node) {
		if (p->patch != patch)
			continue;
		list_del(&p->node);
		kfree(p);
	}
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(klprt_remove_patch);

/* The function whose place on a stack of versions `node` is; NULL for the head of the stack. */
static struct klp_func *function_at(struct list_head *node, struct klp_patch **owner)
{
	struct klp_object *object;
	struct klprt_patch *p;
	struct klp_func *function;

	list_for_each_entry(p, &patches, node) {
		if (!p->patch->obj_list.next)
			continue;
		list_for_each_entry(object, &p->patch->obj_list, node)
			list_for_each_entry(function, &object->func_list, node)
				if (&function->stack_node == node) {
					*owner = p->patch;
					return function;
				}
	}
	return NULL;
}

static int print_stack(char *buffer, int room, struct klp_object *object, struct klp_func *oldest)
{
	struct klp_func *function;
	struct klp_patch *owner;
	struct list_head *node;
	int length;

	length = scnprintf(buffer, room, "%s\t%s\t%lu", object->name ?: "vmlinux", oldest->old_name,
			   oldest->old_sympos ?: 1);
	for (node = &oldest->stack_node; (function = function_at(node, &owner)); node = node->prev)
		length += scnprintf(buffer + length, room - length, "\t%s%s",
				    owner->mod->name, function->nop ? ":nop" : "");
	return length + scnprintf(buffer + length, room - length, "\n");
}

/*
 * What patches each function has, oldest first: a line for each that has any.
 * Only while nothing is going on: livepatch's own lock is not ours to take.
 */
static ssize_t klprt_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	const int room = 1 << 16;
	char *buffer = kvzalloc(room, GFP_KERNEL);
	struct klp_func *function;
	struct klp_object *object;
	struct klp_patch *owner;
	struct klprt_patch *p;
	int length = 0;
	ssize_t copied;

	if (!buffer)
		return -ENOMEM;
	mutex_lock(&lock);
	list_for_each_entry(p, &patches, node) {
		if (!p->patch->obj_list.next)
			continue;
		list_for_each_entry(object, &p->patch->obj_list, node)
			list_for_each_entry(function, &object->func_list, node)
				if (function->patched && !function_at(function->stack_node.next, &owner))
					length += print_stack(buffer + length, room - length, object, function);
	}
	mutex_unlock(&lock);
	copied = simple_read_from_buffer(to, size, at, buffer, length);
	kvfree(buffer);
	return copied;
}

static int kthread_main(void *data)
{
	struct klprt_task *t = data;
	int order;

	for (;;) {
		t->interrupted = false;
		wait_for_order(t);
		order = t->order;
		t->order = ORDER_NONE;
		if (order == ORDER_CALL)
			t->entry();
		pass_by(t, order);
		if (order == ORDER_STOP)
			break;
	}
	/* Its record must outlive it; the one who stops it frees the record. */
	t->task = NULL;
	return 0;
}

static struct klprt_task *new_task(const char *name)
{
	struct klprt_task *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	strscpy(t->name, name, sizeof(t->name));
	init_waitqueue_head(&t->orders);
	return t;
}

static int adopt(struct klprt_request *r)
{
	struct klprt_task *t = new_task(r->task);

	if (!t)
		return -ENOMEM;
	t->task = get_task_struct(current);
	mutex_lock(&lock);
	list_add_tail(&t->node, &tasks);
	mutex_unlock(&lock);
	return 0;
}

static int make_kthread(struct klprt_request *r)
{
	struct klprt_task *t = new_task(r->task);
	struct task_struct *task;

	if (!t)
		return -ENOMEM;
	t->kthread = true;
	task = kthread_create(kthread_main, t, "%s", r->task);
	if (IS_ERR(task)) {
		kfree(t);
		return PTR_ERR(task);
	}
	t->task = get_task_struct(task);
	r->answer = task_pid_nr(task);
	mutex_lock(&lock);
	list_add_tail(&t->node, &tasks);
	mutex_unlock(&lock);
	wake_up_process(task);
	return 0;
}

/*
 * Where a user task is while it is "in user space": asleep in a system call that
 * has nothing to do with what is patched. When it has obeyed an order, it goes
 * to user mode and comes back. As it need not go there to be told, it enters a
 * function with the state that it has, like a task that runs in user mode.
 */
static int park(void)
{
	struct klprt_task *t = find_current();
	int order;

	if (!t)
		return -ESRCH;
	t->interrupted = false;
	t->uninterruptible = false;
	do {
		if (wait_for_order(t))
			return -EINTR;
		order = t->order;
		t->order = ORDER_NONE;
		/* Looking must change nothing: no way to user mode for that. */
	} while (pass_by(t, order) && order == ORDER_PROBE);
	if (order == ORDER_CALL)
		t->entry();
	return 0;
}

static int give_order(struct klprt_request *r, int order)
{
	struct klprt_task *t = find_task(r->task);

	if (!t)
		return -ESRCH;
	if (!t->waiting)
		return -EBUSY;
	if (order == ORDER_CALL || order == ORDER_PROBE) {
		t->entry = find_entry(r);
		if (!t->entry)
			return -ENOENT;
	}
	if (order == ORDER_PROBE)
		t->seen[0] = 0;
	if (order == ORDER_CALL) {
		t->through = r->flags & KLPRT_THROUGH;
		t->uninterruptible = r->flags & KLPRT_UNINTERRUPTIBLE;
	}
	/* It waits again when it has obeyed, not before. */
	t->waiting = false;
	t->order = order;
	wake_up(&t->orders);
	return 0;
}

static int state_of(struct klprt_request *r)
{
	struct klprt_task *t = find_task(r->task);

	if (!t || !t->task)
		return KLPRT_IS_GONE;
	r->pid = task_pid_nr(t->task);
	if (!t->waiting || t->order != ORDER_NONE || !READ_ONCE(t->task->__state))
		return KLPRT_IS_BUSY;
	return t->depth ? KLPRT_IS_ASLEEP : KLPRT_IS_OUT;
}

static int seen_by(struct klprt_request *r)
{
	struct klprt_task *t = find_task(r->task);

	if (!t)
		return -ESRCH;
	strscpy(r->object, t->seen, sizeof(r->object));
	return 0;
}

static int forget(const char *name)
{
	struct klprt_task *t = find_task(name);

	if (!t)
		return -ESRCH;
	list_del(&t->node);
	if (t->task)
		put_task_struct(t->task);
	kfree(t);
	return 0;
}

static int stop_kthread(struct klprt_request *r)
{
	struct klprt_task *t = find_task(r->task);
	struct task_struct *task;
	int err, i;

	if (!t || !t->kthread)
		return -ESRCH;
	task = t->task;
	while (t->depth) {
		err = give_order(r, ORDER_RETURN);
		if (err)
			return err;
		for (i = 0; i < 1000 && !t->waiting; i++)
			msleep(1);
		if (!t->waiting)
			return -ETIMEDOUT;
	}
	err = give_order(r, ORDER_STOP);
	if (err)
		return err;
	for (i = 0; i < 1000 && t->task; i++)
		msleep(1);
	put_task_struct(task);
	return forget(r->task);
}

static long klprt_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct klprt_request r;
	long err = 0;

	if (copy_from_user(&r, (void __user *)argument, sizeof(r)))
		return -EFAULT;
	/* These two wait or sleep, and so cannot hold the lock. */
	if (request == KLPRT_PARK)
		return park();
	if (request == KLPRT_ADOPT)
		return adopt(&r);
	if (request == KLPRT_KTHREAD) {
		err = make_kthread(&r);
		goto out;
	}
	if (request == KLPRT_ATTACH) {
		err = klprt_attach(r.object, r.function, r.position, false);
		goto out;
	}
	if (request == KLPRT_DETACH) {
		err = klprt_detach(r.object, r.function, r.position, false);
		goto out;
	}
	mutex_lock(&lock);
	switch (request) {
	case KLPRT_NEST:
		err = give_order(&r, ORDER_CALL);
		break;
	case KLPRT_RETURN:
		err = give_order(&r, ORDER_RETURN);
		break;
	case KLPRT_ABANDON:
		err = give_order(&r, ORDER_ABANDON);
		break;
	case KLPRT_RESCHED:
		err = give_order(&r, ORDER_RESCHED);
		break;
	case KLPRT_FREEZE:
		err = give_order(&r, ORDER_FREEZE);
		break;
	case KLPRT_PROBE:
		err = give_order(&r, ORDER_PROBE);
		break;
	case KLPRT_SEEN:
		err = seen_by(&r);
		break;
	case KLPRT_FORK:
		err = give_order(&r, ORDER_FORK);
		break;
	case KLPRT_ENTER:
		err = give_order(&r, ORDER_ENTER);
		break;
	case KLPRT_KNOWN:
		r.answer = find_entry(&r) != NULL;
		break;
	case KLPRT_STATE:
		r.answer = state_of(&r);
		break;
	case KLPRT_HOLD:
		held |= cancel_delayed_work_sync(transition_work);
		break;
	case KLPRT_TICK:
		r.answer = held || delayed_work_pending(transition_work);
		if (!r.answer)
			break;
		mod_delayed_work(system_wq, transition_work, 0);
		flush_delayed_work(transition_work);
		held = cancel_delayed_work_sync(transition_work);
		break;
	case KLPRT_FORGET:
		err = forget(r.task);
		break;
	case KLPRT_STOP:
		err = stop_kthread(&r);
		break;
	default:
		err = -ENOTTY;
	}
	mutex_unlock(&lock);
out:
	if (!err && copy_to_user((void __user *)argument, &r, sizeof(r)))
		err = -EFAULT;
	return err;
}

static const struct file_operations klprt_fops = {
	.owner = THIS_MODULE,
	.read = klprt_read,
	.unlocked_ioctl = klprt_ioctl,
};

static struct miscdevice klprt_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "klprt",
	.fops = &klprt_fops,
};

/* A function that is not exported: it is where a probe on it would be put. */
static void *find_function(const char *name)
{
	struct kprobe probe = { .symbol_name = name };

	if (register_kprobe(&probe))
		return NULL;
	unregister_kprobe(&probe);
	return probe.addr;
}

static int __init klprt_init(void)
{
	unsigned long (*lookup)(const char *name) = find_function("kallsyms_lookup_name");

	clone_process = find_function("kernel_clone");
	transition_work = lookup ? (void *)lookup("klp_transition_work") : NULL;
	if (!clone_process || !transition_work) {
		pr_err("cannot find what is needed in this kernel\n");
		return -ENOENT;
	}
	return misc_register(&klprt_device);
}

static void __exit klprt_exit(void)
{
	misc_deregister(&klprt_device);
}

module_init(klprt_init);
module_exit(klprt_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("klpdsl: tasks that sleep inside patchable functions");
