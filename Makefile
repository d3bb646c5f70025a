# SPDX-License-Identifier: Apache-2.0
# For those who live in the tree. ./check and ./demo do not need it.
.PHONY: all test asan fuzz fmt tidy clean

all: build/build.ninja
	ninja -C build

build/build.ninja:
	meson setup build

test: all
	meson test -C build --suite unit --no-rebuild --print-errorlogs

asan:
	[ -d build-asan ] || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false
	meson test -C build-asan --suite unit --print-errorlogs

fuzz:
	[ -d build-fuzz ] || CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build-fuzz

fmt:
	git ls-files '*.[ch]' | xargs clang-format -i

tidy: all
	git ls-files '*.c' | xargs clang-tidy -p build --quiet

clean:
	rm -rf build build-asan build-fuzz build-agent build-demo
