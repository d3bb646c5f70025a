#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tuf.sh BUILD_DIR
#
# Our TUF client under the reference implementation's tests, and our repository before two clients by
# other people. What they need comes from PyPI and npm, pinned, once into BUILD_DIR/interop; where those
# cannot be reached this prints one line beginning with SKIPPED and exits 77.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
tools=$build/interop
tuf=6.0.0

skip()
{
	echo "SKIPPED: $1"
	exit 77
}

if [ ! -e "$tools/ready" ]; then
	rm -rf "$tools"
	mkdir -p "$tools"
	python3 -m venv "$tools/venv" >"$tools/log" 2>&1 || skip "python3 has no venv (python3-venv)"
	"$tools/venv/bin/pip" install -q "tuf==$tuf" "securesystemslib[crypto]==1.3.1" "freezegun==1.5.5" >>"$tools/log" 2>&1 ||
		skip "python-tuf cannot be fetched: $tools/log"
	"$tools/venv/bin/pip" download -q --no-deps --no-build-isolation --no-binary tuf -d "$tools" "tuf==$tuf" >>"$tools/log" 2>&1 ||
		"$tools/venv/bin/pip" download -q --no-deps --no-binary tuf -d "$tools" "tuf==$tuf" >>"$tools/log" 2>&1 ||
		skip "python-tuf's source cannot be fetched: $tools/log"
	tar -xzf "$tools/tuf-$tuf.tar.gz" -C "$tools"
	npm install --silent --no-audit --no-fund --prefix "$tools" tuf-js@3.0.1 >>"$tools/log" 2>&1 ||
		skip "tuf-js cannot be fetched: $tools/log"
	touch "$tools/ready"
fi
command -v faketime >/dev/null || skip "faketime is not installed"

status=0
"$tools/venv/bin/python" -B "$here/tuf_reference.py" "$build/tests/interop/tuf_client" "$tools/tuf-$tuf/tests" || status=1
"$tools/venv/bin/python" -B "$here/tuf_readers.py" "$build/tests/interop/tuf_repository" "$tools/node_modules" || status=1
exit $status
