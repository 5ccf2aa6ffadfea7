/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The only process of klpdsl's guest that is not a task of a scenario: reads
 * /scenarios, does what each line says and writes what it saw to the second
 * serial port. Fields of a line are separated by tabs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "klprt.h"

#define MAX_TASKS 64
#define MAX_FIELDS 12
#define MAX_OPEN 16
#define FULL_ROUND 16	/* works: one of them has sent signals */
#define LIVEPATCH "/sys/kernel/livepatch"

struct task {
	char name[KLPRT_NAME];
	bool kthread;
	bool alive;
	bool direct;		/* init is its parent */
	bool killed;		/* it may die on its own */
	int flags;
	int pid;
};

static struct task tasks[MAX_TASKS];
static int task_count;
/* Seen by all tasks: as which task the next child is to live. */
static volatile int *next_child;
static int device = -1, kernel_log = -1;
static FILE *out;

static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(out, format, arguments);
	va_end(arguments);
	fputc('\n', out);
}

static void rest(int milliseconds)
{
	struct timespec t = { milliseconds / 1000, (milliseconds % 1000) * 1000000L };

	nanosleep(&t, NULL);
}

static void power_off(void)
{
	fflush(out);
	tcdrain(fileno(out));
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		result = errno;
	close(fd);
	return result;
}

/* Reads a small file without its last newline; -1 and errno if it cannot. */
static int read_file(const char *path, char *buffer, int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), length;

	if (fd < 0)
		return -1;
	length = read(fd, buffer, size - 1);
	close(fd);
	if (length < 0)
		return -1;
	if (length && buffer[length - 1] == '\n')
		length--;
	buffer[length] = 0;
	return length;
}

/* --- the kernel's log and what an observer sees ----------------------------------------------------------- */

static void copy_log(bool print)
{
	char record[8192];

	for (;;) {
		ssize_t length = read(kernel_log, record, sizeof(record) - 1);
		char *text, *end;

		if (length < 0 && errno == EPIPE) {
			say("LOST");
			continue;
		}
		if (length <= 0)
			break;
		record[length] = 0;
		text = strchr(record, ';');
		if (!text || !print)
			continue;
		end = strchr(++text, '\n');
		if (end)
			*end = 0;
		say("LOG\t%d\t%s", atoi(record) & 7, text);
	}
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void show_directory(const char *path, const char *below)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, by_name), i;

	for (i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char full[1024], relative[512], value[256];
		struct stat status;

		if (name[0] == '.')
			continue;
		snprintf(full, sizeof(full), "%s/%s", path, name);
		snprintf(relative, sizeof(relative), "%s%s%s", below, *below ? "/" : "", name);
		if (lstat(full, &status))
			continue;
		if (S_ISDIR(status.st_mode)) {
			say("SYSFS\t%s/\t", relative);
			show_directory(full, relative);
		} else if (!(status.st_mode & 0444)) {
			say("SYSFS\t%s\t-", relative);
		} else if (read_file(full, value, sizeof(value)) >= 0) {
			say("SYSFS\t%s\t%s", relative, value);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* Which patches each function has, as the runtime module finds them. */
static void show_stacks(void)
{
	FILE *stacks = fopen("/dev/klprt", "re");
	char line[1024];

	if (!stacks)
		return;
	while (fgets(line, sizeof(line), stacks)) {
		line[strcspn(line, "\n")] = 0;
		say("HOOK\t%s", line);
	}
	fclose(stacks);
}

static void show_modules(void)
{
	FILE *modules = fopen("/proc/modules", "r");
	char name[128], state[32];
	int size, refs;

	if (!modules)
		return;
	while (fscanf(modules, "%127s %d %d %*s %31s %*[^\n]", name, &size, &refs, state) == 4)
		say("MODULE\t%s\t%d\t%s", name, refs, state);
	fclose(modules);
}

/* --- tasks ---------------------------------------------------------------------------------------------------- */

static struct task *find_task(const char *name)
{
	int i;

	for (i = 0; i < task_count; i++)
		if (!strcmp(tasks[i].name, name))
			return &tasks[i];
	return NULL;
}

static int ask(int request, struct klprt_request *r)
{
	return ioctl(device, request, r) < 0 ? errno : 0;
}

static int state_of(struct task *t)
{
	struct klprt_request r = { 0 };

	strcpy(r.task, t->name);
	if (ask(KLPRT_STATE, &r))
		return KLPRT_IS_GONE;
	t->pid = r.pid;
	return r.answer;
}

static char process_state(int pid)
{
	char path[64], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, text, sizeof(text)) < 0)
		return 0;
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

/* What a user task does all its life: wait in the runtime, and come back from there now and then. */
static void live(struct task *self)
{
	struct klprt_request r = { 0 };
	int pid = 0;

	for (;;) {
		if (pid != getpid()) {
			/* Just born, or the child that a fork has made of us. */
			if (pid)
				self = &tasks[*next_child];
			pid = getpid();
			prctl(PR_SET_NAME, self->name);
			strcpy(r.task, self->name);
			ioctl(device, KLPRT_ADOPT, &r);
		}
		ioctl(device, KLPRT_PARK, &r);
	}
}

/* Whoever was killed is dead: nothing is left of it but our record. */
static void bury(struct task *t)
{
	struct klprt_request r = { 0 };

	strcpy(r.task, t->name);
	t->alive = false;
	if (t->direct)
		waitpid(t->pid, NULL, 0);
	ask(KLPRT_FORGET, &r);
}

/* Waits until the task sleeps where its last order leads, is stopped, or dead; false if it does not get there. */
static bool wait_task(struct task *t)
{
	int i;

	for (i = 0; i < 5000; i++) {
		int state = state_of(t);
		char process = t->kthread ? 'S' : process_state(t->pid);

		if (process == 'T')
			return true;
		if (t->killed && (!process || process == 'Z')) {
			bury(t);
			return true;
		}
		if (state == KLPRT_IS_ASLEEP || state == KLPRT_IS_OUT)
			return true;
		rest(1);
	}
	say("NOTE\ttask %s does not come to rest", t->name);
	return false;
}

static void wait_all(void)
{
	int i;

	for (i = 0; i < task_count; i++)
		if (tasks[i].alive)
			wait_task(&tasks[i]);
}

static void show_tasks(void)
{
	static const char *const where[] = { "busy", "asleep", "out", "gone" };
	char path[64], value[32];
	int i;

	for (i = 0; i < task_count; i++) {
		if (!tasks[i].alive)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/patch_state", tasks[i].pid);
		if (read_file(path, value, sizeof(value)) < 0)
			continue;
		say("TASK\t%s\t%s\t%s\t%d", tasks[i].name, value, where[state_of(&tasks[i])], tasks[i].pid);
	}
}

static void start_task(struct task *t)
{
	struct klprt_request r = { 0 };

	if (t->kthread) {
		strcpy(r.task, t->name);
		if (ask(KLPRT_KTHREAD, &r))
			return;
		t->pid = r.answer;
		t->alive = true;
		wait_task(t);
		return;
	}
	fflush(out);
	t->direct = true;
	t->pid = fork();
	if (!t->pid) {
		signal(SIGCHLD, SIG_IGN);
		live(t);
	}
	t->alive = true;
	wait_task(t);
}

static int call(struct task *t, char **field, int extra)
{
	struct klprt_request r = { 0 };
	int result;

	strcpy(r.task, t->name);
	strcpy(r.object, field[0]);
	strcpy(r.function, field[1]);
	r.position = atoi(field[2]);
	r.flags = t->flags | extra;
	if (extra & KLPRT_THROUGH && (t->kthread || state_of(t) != KLPRT_IS_OUT))
		return EINVAL;
	if (ask(KLPRT_KNOWN, &r) || !r.answer)
		return ENOENT;
	result = ask(KLPRT_NEST, &r);
	if (result)
		return result;
	return wait_task(t) ? 0 : ETIMEDOUT;
}

/* Tells a waiting task something that takes no more than its name. */
static int tell(struct task *t, int request)
{
	struct klprt_request r = { 0 };
	int result;

	strcpy(r.task, t->name);
	result = ask(request, &r);
	if (result)
		return result;
	return wait_task(t) ? 0 : ETIMEDOUT;
}

static int leave(struct task *t)
{
	return state_of(t) == KLPRT_IS_ASLEEP ? tell(t, KLPRT_RETURN) : EINVAL;
}

static int preempt(struct task *t, int request)
{
	return t->kthread || state_of(t) == KLPRT_IS_ASLEEP ? tell(t, request) : EINVAL;
}

static int fork_task(struct task *t, struct task *child)
{
	int result;

	if (!child)
		return ESRCH;
	if (child->alive)
		return EINVAL;
	if (t->kthread)
		return ENOTSUP;
	*next_child = child - tasks;
	result = tell(t, KLPRT_FORK);
	child->alive = !result && wait_task(child);
	return result ? result : child->alive ? 0 : ETIMEDOUT;
}

static int end_task(struct task *t)
{
	struct klprt_request r = { 0 };
	int i;

	strcpy(r.task, t->name);
	t->alive = false;
	if (t->kthread)
		return ask(KLPRT_STOP, &r);
	kill(t->pid, SIGKILL);
	/* Who sleeps uninterruptibly does not notice. */
	ask(KLPRT_ABANDON, &r);
	if (t->direct)
		waitpid(t->pid, NULL, 0);
	for (i = 0; i < 2000 && process_state(t->pid); i++)
		rest(1);
	return ask(KLPRT_FORGET, &r);
}

/* A real signal to one task. One that sleeps interruptibly leaves all its functions for it. */
static int send_signal(struct task *t, const char *name)
{
	int number = !strcmp(name, "STOP") ? SIGSTOP : !strcmp(name, "CONT") ? SIGCONT : SIGKILL;

	if (kill(t->pid, number))
		return errno;
	t->killed |= number == SIGKILL && !t->kthread;
	rest(5);		/* it runs now, if it has noticed */
	return wait_task(t) ? 0 : ETIMEDOUT;
}

/* --- what an operator does ------------------------------------------------------------------------------------ */

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, "", 0))
		result = errno;
	close(fd);
	return result;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

/* The patch in transition; false if there is none. */
static bool in_transition(char *patch)
{
	DIR *directory = opendir(LIVEPATCH);
	struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory))) {
		char path[512], value[32];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), LIVEPATCH "/%s/transition", entry->d_name);
		found = read_file(path, value, sizeof(value)) > 0 && !strcmp(value, "1");
		if (found)
			strcpy(patch, entry->d_name);
	}
	if (directory)
		closedir(directory);
	return found;
}

static int write_attribute(const char *patch, const char *attribute, const char *value)
{
	char path[512];

	snprintf(path, sizeof(path), LIVEPATCH "/%s/%s", patch, attribute);
	return write_file(path, value);
}

/* What somebody has open below a patch's directory, by the path that the scenario gives. */
static struct {
	char path[256];
	int fd;
} opened[MAX_OPEN];
static int open_count;

static int open_entry(const char *patch, const char *below)
{
	char path[512];
	int fd;

	if (open_count == MAX_OPEN)
		return EMFILE;
	snprintf(path, sizeof(path), LIVEPATCH "/%s/%s", patch, below);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		/* A function's directory may be given without its position. */
		strcat(path, ",1");
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return errno;
	snprintf(opened[open_count].path, sizeof(opened[0].path), "%s/%s", patch, below);
	opened[open_count++].fd = fd;
	return 0;
}

static int close_entry(const char *patch, const char *below)
{
	char path[256];
	int i;

	snprintf(path, sizeof(path), "%s/%s", patch, below);
	for (i = 0; i < open_count; i++) {
		if (strcmp(opened[i].path, path))
			continue;
		close(opened[i].fd);
		opened[i] = opened[--open_count];
		return 0;
	}
	return EBADF;
}

static int reverse(void)
{
	char patch[256], path[512], value[32];

	if (!in_transition(patch))
		return ENOENT;
	snprintf(path, sizeof(path), LIVEPATCH "/%s/enabled", patch);
	if (read_file(path, value, sizeof(value)) < 0)
		return errno;
	return write_file(path, *value == '1' ? "0" : "1");
}

/* One run of the transition work. False if there is none to wait for. */
static bool tick(void)
{
	struct klprt_request r = { 0 };

	if (ask(KLPRT_TICK, &r) || !r.answer)
		return false;
	rest(20);
	wait_all();
	return true;
}

/* The kernel retries about once a second; a scenario's second has not passed yet. */
static void hold(void)
{
	struct klprt_request r = { 0 };

	ask(KLPRT_HOLD, &r);
}

/* What must not change for a whole round before a transition counts as stalled. */
static void describe_progress(char *text, int size)
{
	char path[512], value[32], patch[256];
	int length, i;

	*text = 0;
	if (!in_transition(patch))
		return;
	snprintf(path, sizeof(path), LIVEPATCH "/%s/enabled", patch);
	if (read_file(path, value, sizeof(value)) < 0)
		return;
	length = snprintf(text, size, "%s %s", patch, value);
	for (i = 0; i < task_count && length < size; i++) {
		if (!tasks[i].alive)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/patch_state", tasks[i].pid);
		if (read_file(path, value, sizeof(value)) >= 0)
			length += snprintf(text + length, size - length, " %s%d", value, state_of(&tasks[i]));
	}
}

/* Ticks until no transition is under way, or until a round with signals in it has changed nothing. */
static void settle(void)
{
	char before[4096], after[4096], patch[256];
	int unchanged = 0, ticks = 0;

	while (unchanged < FULL_ROUND && in_transition(patch)) {
		describe_progress(before, sizeof(before));
		tick();
		ticks++;
		describe_progress(after, sizeof(after));
		unchanged = strcmp(before, after) ? 0 : unchanged + 1;
	}
	say("TICKS\t%d", ticks);
}

/* --- scenarios -------------------------------------------------------------------------------------------------- */

static void observe(void)
{
	hold();
	rest(60);		/* patches are freed by a work item of their own */
	wait_all();
	copy_log(true);
	show_directory(LIVEPATCH, "");
	show_modules();
	show_stacks();
	show_tasks();
	say("DONE");
	fflush(out);
}

static bool unload_all(void)
{
	int round;

	for (round = 0; round < 50; round++) {
		FILE *modules = fopen("/proc/modules", "r");
		char name[128];
		int left = 0;

		while (modules && fscanf(modules, "%127s %*[^\n]", name) == 1) {
			if (!strcmp(name, "klprt"))
				continue;
			if (unload(name))
				left++;
		}
		if (modules)
			fclose(modules);
		if (!left)
			return true;
		rest(20);
	}
	return false;
}

/* Brings the guest back to where it was before the scenario; false if it cannot. */
static bool clean_up(void)
{
	struct dirent **entries;
	char patch[256];
	int i, count;

	for (i = 0; i < task_count; i++) {
		struct task *t = &tasks[i];

		while (t->alive && state_of(t) == KLPRT_IS_ASLEEP && !leave(t))
			;
		if (t->alive)
			end_task(t);
	}
	task_count = 0;
	for (i = 0; i < 20 && in_transition(patch); i++)
		tick();
	count = scandir(LIVEPATCH, &entries, NULL, by_name);
	for (i = 0; i < count; i++) {
		char value[32], path[512];
		int wait;

		if (entries[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), LIVEPATCH "/%s/enabled", entries[i]->d_name);
		if (read_file(path, value, sizeof(value)) > 0 && *value == '1')
			write_file(path, "0");
		for (wait = 0; wait < 20 && in_transition(patch); wait++)
			tick();
	}
	write_file("/proc/sys/kernel/ftrace_enabled", "1");
	while (open_count)
		close(opened[--open_count].fd);
	if (!unload_all())
		return false;
	count = scandir(LIVEPATCH, &entries, NULL, by_name);
	return count == 2;
}

/* Whose code a call that the task made now would run: it makes the call, but for sleeping in it. */
static void probe(char **field)
{
	struct klprt_request r = { 0 };
	struct task *t = find_task(field[1]);
	const char *code = "gone";

	if (t && t->alive) {
		strcpy(r.task, field[1]);
		strcpy(r.object, field[2]);
		strcpy(r.function, field[3]);
		r.position = atoi(field[4]);
		if (!ask(KLPRT_PROBE, &r) && wait_task(t) && !ask(KLPRT_SEEN, &r))
			code = r.object;
	}
	say("PROBE\t%s\t%s\t%s\t%s\t%s", field[1], field[2], field[3], field[4], code);
	fflush(out);
}

static int do_step(char **field, int fields)
{
	const char *verb = field[0];
	char *rest_of[MAX_FIELDS] = { 0 };
	struct task *t = NULL;
	char patch[256];
	int i;

	for (i = 1; i < fields; i++)
		rest_of[i - 1] = field[i];
	if (!strcmp(verb, "observe"))
		return 0;
	if (!strcmp(verb, "load"))
		return load(rest_of[0]);
	if (!strcmp(verb, "unload"))
		return unload(rest_of[0]);
	if (!strcmp(verb, "write"))
		return write_attribute(rest_of[0], rest_of[1], rest_of[2] ? rest_of[2] : "");
	if (!strcmp(verb, "open"))
		return open_entry(rest_of[0], rest_of[1]);
	if (!strcmp(verb, "close"))
		return close_entry(rest_of[0], rest_of[1]);
	if (!strcmp(verb, "current"))
		return in_transition(patch) ? write_attribute(patch, rest_of[0], rest_of[1]) : ENOENT;
	if (!strcmp(verb, "reverse"))
		return reverse();
	if (!strcmp(verb, "sysctl"))
		return write_file(rest_of[0], rest_of[1]);
	if (!strcmp(verb, "settle")) {
		settle();
		return 0;
	}
	if (!strcmp(verb, "tick")) {
		for (i = atoi(rest_of[0]); i > 0; i--)
			tick();
		return 0;
	}
	if (!strcmp(verb, "attach") || !strcmp(verb, "detach")) {
		struct klprt_request r = { .position = atoi(rest_of[2]) };

		strcpy(r.object, rest_of[0]);
		strcpy(r.function, rest_of[1]);
		return ask(*verb == 'a' ? KLPRT_ATTACH : KLPRT_DETACH, &r);
	}
	t = find_task(rest_of[0]);
	if (!t || !t->alive)
		return ESRCH;
	if (!strcmp(verb, "kill"))
		return send_signal(t, rest_of[1]);
	if (!strcmp(verb, "call"))
		return call(t, rest_of + 1, 0);
	if (!strcmp(verb, "through"))
		return call(t, rest_of + 1, KLPRT_THROUGH);
	if (!strcmp(verb, "return"))
		return leave(t);
	if (!strcmp(verb, "exit"))
		return end_task(t);
	if (!strcmp(verb, "resched"))
		return preempt(t, KLPRT_RESCHED);
	if (!strcmp(verb, "freeze"))
		return preempt(t, KLPRT_FREEZE);
	if (!strcmp(verb, "enter"))
		return t->kthread || state_of(t) != KLPRT_IS_OUT ? EINVAL : tell(t, KLPRT_ENTER);
	if (!strcmp(verb, "fork"))
		return fork_task(t, find_task(rest_of[1]));
	return ENOSYS;
}

static void declare_task(char **field, int fields)
{
	struct task *t = &tasks[task_count++];

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", field[1]);
	t->kthread = !strcmp(field[2], "kthread");
	t->flags = fields > 3 ? atoi(field[3]) : 0;
}

static void run(FILE *script)
{
	static char line[4096];
	int i;

	while (fgets(line, sizeof(line), script)) {
		char *field[MAX_FIELDS] = { 0 }, *at = line;
		int fields = 0;

		line[strcspn(line, "\n")] = 0;
		while (fields < MAX_FIELDS && (field[fields] = strsep(&at, "\t")))
			fields++;
		if (!strcmp(field[0], "scenario")) {
			say("SCENARIO\t%s", field[1]);
			write_file("/sys/kernel/debug/clear_warn_once", "1");
		} else if (!strcmp(field[0], "task")) {
			declare_task(field, fields);
		} else if (!strcmp(field[0], "start")) {
			for (i = 0; i < task_count; i++)
				if (!strcmp(tasks[i].name, field[1]))
					start_task(&tasks[i]);
		} else if (!strcmp(field[0], "set-up")) {
			int result = do_step(field + 1, fields - 1);

			if (result)
				say("NOTE\tset-up %s %s: %s", field[1], field[2], strerror(result));
		} else if (!strcmp(field[0], "begin")) {
			copy_log(false);
			say("STEP\t0");
			observe();
		} else if (!strcmp(field[0], "step")) {
			int result;

			say("STEP\t%s", field[1]);
			fflush(out);
			result = do_step(field + 2, fields - 2);
			say("RESULT\t%d", result);
			observe();
		} else if (!strcmp(field[0], "probe")) {
			probe(field);
		} else if (!strcmp(field[0], "end")) {
			bool clean = clean_up();

			say(clean ? "CLEAN" : "DIRTY");
			fflush(out);
			if (!clean)
				power_off();
		}
	}
	say("FINISHED");
}

static void open_serial(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios mode;

	if (fd < 0)
		fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (!tcgetattr(fd, &mode)) {
		cfmakeraw(&mode);
		cfsetspeed(&mode, B115200);
		tcsetattr(fd, TCSANOW, &mode);
	}
	out = fdopen(fd, "w");
}

int main(void)
{
	struct utsname system;
	FILE *script;
	int result;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	open_serial("/dev/ttyS1");
	uname(&system);
	say("BOOT\t%s", system.release);
	fflush(out);
	write_file("/proc/sys/kernel/hung_task_timeout_secs", "0");
	write_file("/proc/sys/kernel/printk_devkmsg", "on");
	write_file("/proc/dynamic_debug/control", "file kernel/livepatch/* +p");
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(kernel_log, 0, SEEK_END);
	result = load("/modules/klprt.ko");
	device = open("/dev/klprt", O_RDWR);
	next_child = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	script = fopen("/scenarios", "re");
	if (result || device < 0 || !script) {
		say("NOTE\tno runtime: %s", strerror(result ? result : errno));
		power_off();
	}
	run(script);
	power_off();
}
