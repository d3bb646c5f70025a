#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Finds Debian 12's own Node 18, which the console is built and tested with, and
# prints the directory to put first on PATH:
#
#	PATH="$(deploy/node18.sh build/node18):$PATH"
#
# usage: node18.sh CACHE-DIRECTORY
#
# On a bare Debian 12 (apt-get install nodejs npm) that is where `node` already is.
# On a machine with another Node, Debian's packages are unpacked below CACHE-DIRECTORY and
# the Node that is installed is left alone. Debian's Node reads a few of its built-in
# modules from /usr/share/nodejs, so those packages are installed beside it (root or sudo).
# Everything but the answer goes to standard error. A second run does nothing.
set -eu

say() { echo "node18: $*" >&2; }
die() { say "$*"; exit 1; }
is_18() { [ -x "$1" ] && case "$("$1" --version 2>/dev/null)" in v18.*) ;; *) false ;; esac; }

[ $# -eq 1 ] || die "usage: node18.sh CACHE-DIRECTORY"

on_path=$(command -v node || true)
if [ -n "$on_path" ] && is_18 "$on_path"; then
	dirname "$on_path"
	exit 0
fi

mkdir -p "$1"
cache=$(cd "$1" && pwd)
bin=$cache/bin
if is_18 "$bin/node" && [ -x "$bin/npm" ]; then
	echo "$bin"
	exit 0
fi

command -v apt-get >/dev/null || die "neither Node 18 nor apt-get is here: install Node 18"
as_root=
if [ "$(id -u)" -ne 0 ]; then
	as_root=$(command -v sudo) || die "installing Node 18's modules needs root or sudo"
fi

# The newest 18.20 that the package lists offer, whatever other source is preferred.
version=$(apt-cache madison nodejs | awk '$3 ~ /^18\.20\./ { print $3; exit }')
if [ -z "$version" ]; then
	$as_root apt-get update -qq >&2
	version=$(apt-cache madison nodejs | awk '$3 ~ /^18\.20\./ { print $3; exit }')
fi
[ -n "$version" ] || die "apt offers no nodejs 18.20: is this Debian 12 (bookworm)?"

say "unpacking Debian's nodejs $version below $cache"
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends --no-upgrade \
	libc-ares2 libuv1 libicu72 libnghttp2-14 libbrotli1 \
	node-acorn node-cjs-module-lexer node-undici >&2

work=$(mktemp -d "$cache/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq "nodejs=$version" "libnode108=$version") >&2 2>/dev/null ||
	die "downloading nodejs and libnode108 $version failed"
rm -rf "$cache/root"
for package in "$work"/*.deb; do
	dpkg-deb -x "$package" "$cache/root"
done
lib=$(dirname "$(find "$cache/root" -name libnode.so.108)")

mkdir -p "$bin"
cat > "$bin/node" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH="$lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$cache/root/usr/bin/node" "\$@"
WRAPPER
chmod +x "$bin/node"
is_18 "$bin/node" || die "the unpacked node does not start: $("$bin/node" --version 2>&1 | head -1)"

# npm 10 is the last that takes Node 18: the machine's own, or a private one beside it.
npm=$(command -v npm || true)
if [ -n "$npm" ] && "$bin/node" "$(readlink -f "$npm")" --version 2>/dev/null | grep -qE '^(9|10)\.'; then
	ln -sf "$(readlink -f "$npm")" "$bin/npm"
else
	[ -n "$npm" ] || die "there is no npm to start from: apt-get install npm"
	say "installing npm 10 below $cache"
	"$npm" install --silent --no-audit --no-fund --prefix "$cache/npm" npm@10.9.4 >&2
	ln -sf "$cache/npm/node_modules/npm/bin/npm-cli.js" "$bin/npm"
	ln -sf "$cache/npm/node_modules/npm/bin/npx-cli.js" "$bin/npx"
fi
echo "$bin"
