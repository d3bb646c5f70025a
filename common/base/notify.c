/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include "text.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A name that begins with '@' stands for the abstract name space: its first byte is 0.
 */
static int address_of(const char *name, struct sockaddr_un *ret, socklen_t *ret_len,
		      struct err *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (text_copy(ret->sun_path, sizeof(ret->sun_path), name, "NOTIFY_SOCKET", e) <
	    0)
		return -1;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (name[0] == '@')
		ret->sun_path[0] = '\0';
	return 0;
}

int notify_manager(const char *state, struct err *e)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t address_len;
	AUTO_CLOSE int fd = -1;

	if (name == NULL || name[0] == '\0')
		return 0;
	if (address_of(name, &address, &address_len, e) < 0)
		return err_wrap(e, "notify the service manager");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (struct sockaddr *)&address, address_len) < 0)
		return err_sys(e, "notify the service manager");
	return 0;
}

uint64_t notify_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	uint64_t usec;

	if (text == NULL || parse_u64(text, &usec, NULL) < 0)
		return 0;
	return usec / 2000;
}
