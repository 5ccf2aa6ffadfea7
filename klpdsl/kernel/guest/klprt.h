/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What generated modules and the init share with the runtime module. */
#ifndef KLPRT_H
#define KLPRT_H

#include <linux/ioctl.h>

#define KLPRT_NAME 64
#define KLPRT_DEPTH 64	/* how deep functions may be nested */

/* One ioctl argument for every request; unused members are left zero. */
struct klprt_request {
	char task[KLPRT_NAME];
	char object[KLPRT_NAME];
	char function[KLPRT_NAME];
	int position;		/* which of several functions of that name, from 1 */
	int flags;
	int pid;
	int answer;
};

#define KLPRT_UNINTERRUPTIBLE	1
#define KLPRT_THROUGH		2	/* do not sleep inside the function */

#define KLPRT_ADOPT	_IO(0xB7, 1)	/* the caller becomes the user task `task` */
#define KLPRT_PARK	_IO(0xB7, 2)	/* the caller, a user task, waits for an order and obeys */
#define KLPRT_NEST	_IO(0xB7, 3)	/* a waiting task calls the function */
#define KLPRT_RETURN	_IO(0xB7, 4)	/* a sleeping task leaves the innermost function */
#define KLPRT_STATE	_IO(0xB7, 5)	/* answer: see KLPRT_IS_*; and its pid */
#define KLPRT_KTHREAD	_IO(0xB7, 6)	/* create the kernel thread `task`; answer: its pid */
#define KLPRT_STOP	_IO(0xB7, 7)	/* end the kernel thread `task` */
#define KLPRT_TICK	_IO(0xB7, 8)	/* run the transition work; answer: whether it was due */
#define KLPRT_HOLD	_IO(0xB7, 18)	/* keep it until then */
#define KLPRT_FORGET	_IO(0xB7, 9)	/* drop the record of a user task that is no more */
#define KLPRT_ABANDON	_IO(0xB7, 10)	/* a sleeping task leaves all its functions */
#define KLPRT_RESCHED	_IO(0xB7, 11)	/* it passes a voluntary preemption point */
#define KLPRT_FREEZE	_IO(0xB7, 12)	/* it passes a sleep in which it may be frozen */
#define KLPRT_KNOWN	_IO(0xB7, 13)	/* answer: whether there is such a function now */
#define KLPRT_FORK	_IO(0xB7, 14)	/* a waiting user task forks */
#define KLPRT_ENTER	_IO(0xB7, 15)	/* a parked task goes to user mode and comes back */
#define KLPRT_PROBE	_IO(0xB7, 16)	/* a waiting task looks whose code a call would run */
#define KLPRT_ATTACH	_IO(0xB7, 19)	/* a kprobe that only looks on comes to the function */
#define KLPRT_DETACH	_IO(0xB7, 20)	/* and leaves it */
#define KLPRT_SEEN	_IO(0xB7, 17)	/* what it saw, in `object` */

#define KLPRT_IS_BUSY	0	/* on its way */
#define KLPRT_IS_ASLEEP	1	/* inside a function */
#define KLPRT_IS_OUT	2	/* waits in no function */
#define KLPRT_IS_GONE	3

#ifdef __KERNEL__
/* A function must stay on the stack while it sleeps in klprt_body(): no jump there instead of a call. */
#define KLPRT_NO_TAIL_CALL() asm volatile("")

struct klprt_site {
	const char *object;
	const char *function;
	int position;
	const char *code;	/* the patch whose version this is, or "original" */
	void (*entry)(void);	/* only where the site is the original */
};

struct klp_patch;
struct module;

void klprt_body(const struct klprt_site *site);
void klprt_register(const struct klprt_site *sites, int count, struct module *owner);
int klprt_attach(const char *object, const char *function, int position, bool after);
int klprt_detach(const char *object, const char *function, int position, bool after);
void klprt_add_patch(struct klp_patch *patch);
void klprt_remove_patch(struct klp_patch *patch);
void klprt_unregister(const struct klprt_site *sites);
int klprt_callback(const char *patch, const char *object, const char *callback, int result);
#endif
#endif
