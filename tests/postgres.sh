#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A PostgreSQL of its own for tests, in a directory that the test makes and removes.
#
#	postgres.sh DIR [POSTGRES-OPTION..]
#
# makes a cluster in DIR/data (superuser "ota"; who reaches DIR/.s.PGSQL.5432 is trusted) and becomes its server:
# it listens on that socket alone, says "ready to accept connections" on standard error and ends with its parent.
# As root it runs as another user, since initdb refuses root: DIR must then be where that user can reach it.
# With DIR/server.crt and DIR/server.key it speaks TLS. Status 77: PostgreSQL is not installed.
set -eu
dir=$1
shift
bin=
for candidate in /usr/lib/postgresql/*/bin; do
	[ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ] && bin=$candidate
done
if [ -z "$bin" ] || ! command -v setpriv >/dev/null; then
	echo "PostgreSQL is not installed (Debian: apt-get install postgresql)" >&2
	exit 77
fi
as=
if [ "$(id -u)" = 0 ]; then
	user=nobody
	id postgres >/dev/null 2>&1 && user=postgres
	chown -R "$user" "$dir"
	as="--reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
tls=
if [ -f "$dir/server.key" ]; then
	tls="-c ssl=on -c ssl_cert_file=$dir/server.crt -c ssl_key_file=$dir/server.key"
fi
# shellcheck disable=SC2086 # lists of options
if [ ! -d "$dir/data" ]; then
	LC_ALL=C setpriv $as "$bin/initdb" -D "$dir/data" -U ota -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; exit 1; }
fi
cd "$dir"
# shellcheck disable=SC2086
exec setpriv $as --pdeathsig=QUIT "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off \
	-c log_min_messages=log -c log_checkpoints=off -c max_connections=200 -c shared_buffers=16MB -c dynamic_shared_memory_type=mmap $tls "$@"
