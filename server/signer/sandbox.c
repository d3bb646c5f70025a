/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* What reading a message, replacing a file and signing need, with libc and OpenSSL
 * below them. */
static const int allowed[] = {
    SCMP_SYS(read),	      SCMP_SYS(write),	      SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),	      SCMP_SYS(readv),	      SCMP_SYS(writev),
    SCMP_SYS(recvfrom),	      SCMP_SYS(sendto),	      SCMP_SYS(poll),
    SCMP_SYS(ppoll),	      SCMP_SYS(openat),	      SCMP_SYS(close),
    SCMP_SYS(fstat),	      SCMP_SYS(newfstatat),   SCMP_SYS(statx),
    SCMP_SYS(access),	      SCMP_SYS(faccessat),    SCMP_SYS(faccessat2),
    SCMP_SYS(fsync),	      SCMP_SYS(fdatasync),    SCMP_SYS(rename),
    SCMP_SYS(renameat),	      SCMP_SYS(renameat2),    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),	      SCMP_SYS(fchmod),	      SCMP_SYS(fcntl),
    SCMP_SYS(lseek),	      SCMP_SYS(munmap),	      SCMP_SYS(mremap),
    SCMP_SYS(madvise),	      SCMP_SYS(brk),	      SCMP_SYS(futex),
    SCMP_SYS(getrandom),      SCMP_SYS(getpid),	      SCMP_SYS(gettid),
    SCMP_SYS(clock_gettime),  SCMP_SYS(gettimeofday), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),    SCMP_SYS(sigaltstack),  SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static int rules_add(scmp_filter_ctx ctx)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		code = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (code == 0)
		code = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (code == 0)
		code = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return code;
}

int sandbox_enter(struct err *e)
{
	const struct rlimit none = {0, 0};
	scmp_filter_ctx ctx;
	int code;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return err_sys(e, "give up privileges");
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return err_nomem(e);
	code = rules_add(ctx);
	if (code == 0)
		code = seccomp_load(ctx);
	seccomp_release(ctx);
	if (code != 0)
		return err_set(e, ERR_UNSUPPORTED, "seccomp: %s", strerror(-code));
	return 0;
}
