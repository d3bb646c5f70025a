/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres_server.h"

#include "testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_INSTALLED 77

unsigned pg_server_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)close(fd);
	return ntohs(a.sin_port);
}

void pg_server_make(struct pg_server *s)
{
	*s = (struct pg_server){.log_fd = -1};
	strcpy(s->dir, "/tmp/ota-pg-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	/* its server may run as another user */
	assert_int_equal(chmod(s->dir, 0755), 0);
}

static void become_server(const struct pg_server *s, int fd)
{
	char port[24];
	char script[512];
	const char *data = getenv("OTA_TEST_DATA");

	snprintf(script, sizeof(script), "%s/../postgres.sh",
		 data == NULL ? "." : data);
	(void)dup2(fd, STDERR_FILENO);
	snprintf(port, sizeof(port), "port=%u", s->port);
	if (s->port != 0)
		execl("/bin/sh", "sh", script, s->dir, "-c",
		      "listen_addresses=127.0.0.1", "-c", port, (char *)NULL);
	else
		execl("/bin/sh", "sh", script, s->dir, (char *)NULL);
	_exit(NOT_INSTALLED);
}

/* Up to the line that says it is there; the rest is small and stays in the pipe. */
static bool read_until_ready(struct pg_server *s)
{
	FILE *log = fdopen(dup(s->log_fd), "r");
	char line[1024];
	bool ready = false;

	assert_non_null(log);
	while (!ready && fgets(line, sizeof(line), log) != NULL) {
		ready = strstr(line, "ready to accept connections") != NULL;
		if (strstr(line, "LOG:") == NULL)
			print_message("%s", line);
	}
	fclose(log);
	return ready;
}

/* True, or false with its exit status. */
static bool start_once(struct pg_server *s, int *ret_status)
{
	int fds[2], status = 0;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s->pid = fork();
	if (s->pid == 0)
		become_server(s, fds[1]);
	(void)close(fds[1]);
	s->log_fd = fds[0];
	if (read_until_ready(s))
		return true;
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	(void)close(s->log_fd);
	s->log_fd = -1;
	assert_true(WIFEXITED(status));
	*ret_status = WEXITSTATUS(status);
	return false;
}

bool pg_server_start(struct pg_server *s)
{
	int status = 0;

	for (int tries = 0; !start_once(s, &status); tries++) {
		if (status == NOT_INSTALLED)
			return false;
		/* A port that was free a moment ago may be somebody else's now. */
		assert_true(s->port != 0 && tries < 10);
		s->port = pg_server_free_port();
	}
	return true;
}

void pg_server_stop(struct pg_server *s)
{
	if (s->pid <= 0)
		return;
	(void)kill(s->pid, SIGQUIT);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	s->pid = 0;
	(void)close(s->log_fd);
	s->log_fd = -1;
}

void pg_server_fini(struct pg_server *s)
{
	char command[128];

	pg_server_stop(s);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	assert_int_equal(system(command), 0);
}

void pg_server_run(const struct pg_server *s, const char *sql)
{
	char info[160];
	PGconn *c;
	PGresult *r;

	snprintf(info, sizeof(info), "host=%s user=ota dbname=postgres", s->dir);
	c = PQconnectdb(info);
	r = PQexec(c, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK &&
	    PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(c));
	PQclear(r);
	PQfinish(c);
}

void pg_server_new_database(struct pg_server *s, char *ret_url, size_t room)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "CREATE DATABASE t%u", ++s->n_databases);
	pg_server_run(s, sql);
	snprintf(ret_url, room, "postgresql://ota@/t%u?host=%s", s->n_databases,
		 s->dir);
}
