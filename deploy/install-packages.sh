#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-packages.sh [--yes] LIST..: installs what is missing of the packages named in deploy/packages/LIST.txt.
# Shows the list and asks once; --yes does not ask. Does nothing, quickly, if nothing is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
yes=no
if [ "${1:-}" = --yes ]; then
	yes=yes
	shift
fi

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]
}

missing=
for list in "$@"; do
	for package in $(grep -v '^#' "$here/packages/$list.txt"); do
		installed "$package" && continue
		# Another Node than Debian's may be installed; deploy/node18.sh then fetches Debian's beside it.
		case $package in nodejs | npm) command -v npm >/dev/null 2>&1 && continue ;; esac
		missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

echo "These Debian packages are missing and will be installed:"
echo "$missing" | fold -s -w 100 | sed 's/^/  /'
if [ $yes = no ]; then
	printf 'Install them now? [Y/n] '
	read -r answer || answer=n
	case $answer in '' | y | Y | yes) ;; *) echo "Nothing was installed."; exit 1 ;; esac
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "install packages: neither root nor sudo is at hand" >&2; exit 1; }
	sudo=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
