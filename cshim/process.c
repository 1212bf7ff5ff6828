/* What a worker does to itself before it sees the first frame, and clocks. */
#include "abi.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Pins one thread (0: the caller) to one core. */
i32 mcr_pin(i32 thread, u32 core)
{
	cpu_set_t cores;

	if (core >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	return sched_setaffinity(thread, sizeof(cores), &cores) < 0 ? -errno : 0;
}

/* Puts the calling thread ahead of others on its core: a nice value, and a short slice, by which the
 * scheduler lets it in at once when it wakes (Linux 6.12; before, the slice means nothing). */
i32 mcr_prefer(i32 nice, u32 slice_us)
{
	/* struct sched_attr, sched_setattr(2): size and policy, flags (1: not for threads it makes), nice and priority, runtime, … */
	u64 wish[6] = { sizeof(wish), 1, (u32)nice, (u64)slice_us * 1000 };

	return syscall(SYS_sched_setattr, 0, wish, 0) < 0 ? -errno : 0;
}

static int capabilities_clear(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* Gives up everything, for good: the bounding set, groups and ids (as far as it
 * has the right to), every capability, and the hope of new ones.  libc's
 * setters carry the ids to every thread, and leaving uid 0 takes the
 * capabilities with it; capset covers a supervisor that was never root. */
i32 mcr_drop(u32 uid, u32 gid)
{
	int capability;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* EPERM: no CAP_SETPCAP; EINVAL: newer than this kernel. */
	for (capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM && errno != EINVAL)
			return -errno;
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
		return -errno;
	return capabilities_clear();
}

/* The supervisor alone says when a worker ends: Ctrl-C in the terminal reaches
 * the whole process group, and must not take a worker before it has drained. */
i32 mcr_signals_ignore(void)
{
	if (signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGTERM, SIG_IGN) == SIG_ERR ||
	    signal(SIGHUP, SIG_IGN) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}

static f64 *refused_call;

/* The sandbox refused a call.  Another one from here, where SIGSYS is blocked, and the kernel ends the process. */
static void on_refused(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	*refused_call = info->si_syscall + 1;
	for (;;)
		syscall(SYS_getppid);
}

/* From now on a refused system call leaves its number, plus one, at `place` before the process dies of it.  Behind the sandbox
 * only the place can change. */
i32 mcr_refused_note(ptr place)
{
	struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };
	int is_set = refused_call != NULL;

	refused_call = place;
	return !is_set && sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* Ends the process now, from any thread; Bun's own exit ends only a thread. */
i32 mcr_exit(i32 code)
{
	_exit(code);
}

/* clockid_t: 0 real time, 1 monotonic. Exact to about 256 ns in this century. */
f64 mcr_clock_ns(i32 clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (f64)now.tv_sec * 1e9 + (f64)now.tv_nsec;
}

/* Sleeps until the monotonic clock says `at`; -EINTR comes back. */
i32 mcr_sleep_until(f64 at)
{
	struct timespec until = { .tv_sec = (time_t)(at / 1e9) };

	until.tv_nsec = (long)(at - (f64)until.tv_sec * 1e9);
	return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Any system call by its number (src/shim/system-call.ts), for those that only pass numbers and addresses
 * of mapped memory on: no wrapper could add anything. */
f64 mcr_call(i32 number, f64 a, f64 b, f64 c, f64 d, f64 e)
{
	long result = syscall(number, (long)a, (long)b, (long)c, (long)d, (long)e);

	return result < 0 ? -errno : (f64)result;
}
