#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the console and the programs for ./demo into build-demo; what is up to date is left alone.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build-demo
exec 8>build-demo/lock
flock 8 # two at once would take each other's node_modules away
log=$PWD/build-demo/log.txt

step() { # step NAME COMMAND..: quiet unless it fails
	name=$1
	shift
	start=$(date +%s)
	printf '  %-42s' "$name"
	if ! "$@" >"$log" 2>&1; then
		echo failed
		tail -n 40 "$log" >&2
		exit 1
	fi
	echo "$(($(date +%s) - start)) s"
}

console() (
	PATH=$(sh deploy/node18.sh "$PWD/.cache/node18" | tail -n 1):$PATH
	export PATH
	cd web
	npm ci --no-audit --no-fund
	npm run build
)

sources=$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print | LC_ALL=C sort | xargs sha256sum | sha256sum)
if [ "$(cat build-demo/console.stamp 2>/dev/null)" != "$sources" ] || [ ! -f web/dist/index.html ]; then
	step "build the console" console
	echo "$sources" >build-demo/console.stamp
fi
[ -f build-demo/build.ninja ] || step "configure" meson setup build-demo -Dtests=false
step "build the programs" ninja -C build-demo
