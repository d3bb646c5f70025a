/* SPDX-License-Identifier: Apache-2.0 */
/* proc(5): /proc is no disk, so a collector may read it. What cannot be read is left
 * out. */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of /proc/self/stat, counted from what is behind the name in parentheses. */
enum {
	STAT_UTIME = 11,
	STAT_STIME = 12,
	STAT_START = 19,
	STAT_VSIZE = 20,
	STAT_RSS = 21
};
#define N_STAT 22

static int read_text(const char *path, char *ret, size_t room)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, room - 1);

	if (n < 0)
		return -1;
	ret[n] = '\0';
	return 0;
}

static int read_stat(double ret[N_STAT])
{
	char text[1024];
	char *at;

	if (read_text("/proc/self/stat", text, sizeof(text)) < 0)
		return -1;
	at = strrchr(text, ')');
	if (at == NULL || strlen(at) < 4)
		return -1;
	at += 4; /* ") R " */
	for (int i = 1; i < N_STAT; i++)
		ret[i] = strtod(at, &at);
	return 0;
}

/* Seconds since 1970 at which the machine started; 0: not known. */
static double boot_time(void)
{
	AUTO_FREE char *text = malloc(65536);
	const char *at;

	if (text == NULL || read_text("/proc/stat", text, 65536) < 0)
		return 0;
	at = strstr(text, "\nbtime ");
	return at == NULL ? 0 : strtod(at + 7, NULL);
}

static void one(struct metrics_text *t, const char *name, enum metric_kind kind,
		const char *help, double value)
{
	metrics_family(t, name, kind, help);
	metrics_sample(t, value, 0, NULL);
}

static double count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = -3; /* ".", ".." and this very directory */

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void write_descriptors(struct metrics_text *t)
{
	double n = count_descriptors();
	struct rlimit l;

	if (n >= 0)
		one(t, "process_open_fds", METRIC_GAUGE,
		    "Number of open file descriptors.", n);
	if (getrlimit(RLIMIT_NOFILE, &l) == 0)
		one(t, "process_max_fds", METRIC_GAUGE,
		    "Maximum number of open file descriptors.", (double)l.rlim_cur);
}

static void write_process(struct metrics_text *t, void *ctx)
{
	double ticks = (double)sysconf(_SC_CLK_TCK), boot = boot_time();
	double stat[N_STAT];

	(void)ctx;
	write_descriptors(t);
	if (read_stat(stat) < 0 || ticks <= 0)
		return;
	one(t, "process_cpu_seconds_total", METRIC_COUNTER,
	    "Total user and system CPU time spent in seconds.",
	    (stat[STAT_UTIME] + stat[STAT_STIME]) / ticks);
	one(t, "process_resident_memory_bytes", METRIC_GAUGE,
	    "Resident memory size in bytes.",
	    stat[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
	one(t, "process_virtual_memory_bytes", METRIC_GAUGE,
	    "Virtual memory size in bytes.", stat[STAT_VSIZE]);
	if (boot > 0)
		one(t, "process_start_time_seconds", METRIC_GAUGE,
		    "Start time of the process since unix epoch in seconds.",
		    boot + stat[STAT_START] / ticks);
}

void metrics_add_process(struct metrics *m)
{
	metrics_add_collector(m, write_process, NULL);
}
