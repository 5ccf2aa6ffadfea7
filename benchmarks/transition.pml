/*
 * One patch, N tasks that call and return for ever, and an operator who enables, disables, reverses, forces and waits: the
 * per-task consistency model of v4.16 (kernel/livepatch/transition.c) by hand, for a comparison with `klpdsl verify`. It
 * has no signals, no sysfs, no references and no module, and one level of calls.
 */
#ifndef N
#define N 6
#endif
#define UNDEFINED 0
#define UNPATCHED 1
#define PATCHED 2

byte state[N];		/* patch_state */
byte inside[N];		/* the version that the task is in; UNDEFINED: none */
bool is_enabled, transition, hooked;
byte target = UNDEFINED;
byte i, waiting;

inline try_complete() {		/* klp_try_complete_transition() */
	waiting = 0;
	i = 0;
	do
	:: i < N ->
		if
		:: state[i] == target
		:: else ->
			/* klp_check_stack_func(): the version that is to be left */
			if
			:: inside[i] == (target == PATCHED -> UNPATCHED : PATCHED) -> waiting++
			:: else -> state[i] = target
			fi
		fi;
		i++
	:: else -> break
	od;
	if
	:: waiting == 0 ->
		transition = false;
		hooked = (target == PATCHED);
		i = 0;
		do
		:: i < N -> state[i] = UNDEFINED; i++
		:: else -> break
		od;
		target = UNDEFINED
	:: else
	fi;
	i = 0;
	waiting = 0
}

inline start(to) {		/* klp_init_transition(), klp_start_transition() */
	i = 0;
	do
	:: i < N -> state[i] = (to == PATCHED -> UNPATCHED : PATCHED); i++
	:: else -> break
	od;
	target = to;
	transition = true;
	hooked = true;
	is_enabled = (to == PATCHED);
	try_complete()
}

active proctype operator() {
	do
	:: atomic { !transition && !is_enabled -> start(PATCHED) }
	:: atomic { !transition && is_enabled -> start(UNPATCHED) }
	:: atomic { transition ->
		target = (target == PATCHED -> UNPATCHED : PATCHED);
		is_enabled = !is_enabled;
		try_complete() }
	:: atomic { transition ->	/* klp_force_transition() */
		i = 0;
		do
		:: i < N -> state[i] = target; i++
		:: else -> break
		od;
		try_complete() }
	:: atomic { transition -> try_complete() }
	od
}

active [N] proctype task() {
	byte me = _pid - 1;
	do
	:: atomic { inside[me] == UNDEFINED ->
		/* klp_ftrace_handler() */
		inside[me] = (hooked && (!transition || state[me] == PATCHED) -> PATCHED : UNPATCHED) }
	:: atomic { inside[me] != UNDEFINED ->
		inside[me] = UNDEFINED;
		if
		:: transition -> state[me] = target
		:: else
		fi }
	od
}
