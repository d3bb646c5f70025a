# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a machine can see: layers, lengths, licences, leaks."""

import re
import statistics

from .run import TOP, command

MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 80
MAX_MEDIAN_LINES = 20
BASE_LINES = 2600
CODE_DIRS = ("common", "publish", "client", "server", "tools", "lab", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
COND = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)$", re.M)


def tracked(*patterns):
    _, text = command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns)
    return [TOP / line for line in text.splitlines() if (TOP / line).is_file()]


def c_files():
    return tracked(*(f"{d}/**/*.[ch]" for d in CODE_DIRS), *(f"{d}/*.[ch]" for d in CODE_DIRS))


def rel(path):
    return path.relative_to(TOP).as_posix()


def read_layers():
    modules, headers = {}, {}
    for line in (TOP / "docs/layers.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, allowed = line.partition(":")
        target = headers if name.startswith("<") else modules
        target[name.strip("<>")] = allowed.split()
    return modules, headers


def within(path, directory):
    return path == directory or path.startswith(directory + "/")


def most_specific(table, path):
    rows = [name for name in table if within(path, name)]
    return max(rows, key=len) if rows else None


def check_layers(result):
    modules, headers = read_layers()
    wrong = []
    for path in c_files():
        here = rel(path.parent)
        module = most_specific(modules, here)
        if module is None:
            wrong.append(f"{rel(path)}: its directory has no row in docs/layers.txt")
            continue
        for own, foreign in INCLUDE.findall(path.read_text()):
            if own:
                there = (path.parent / own).resolve().parent
                there = there.relative_to(TOP).as_posix() if there.is_relative_to(TOP) else "?"
                allowed = modules[module] + [module]
                if there != here and not any(within(there, a) for a in allowed):
                    wrong.append(f"{rel(path)}: {module} may not know {there}")
                continue
            rows = [h for h in headers if foreign == h or (h.endswith("/") and foreign.startswith(h))]
            if rows:
                allowed = headers[max(rows, key=len)]
                if not any(within(here, a) for a in allowed + ["tests"]):
                    wrong.append(f"{rel(path)}: <{foreign}> is for {' and '.join(allowed)} alone")
    result.expect(not wrong, "every include is allowed by docs/layers.txt", "\n".join(wrong))


def functions(path):
    """(name, first line, number of lines) of each function: our format puts both braces in column 0."""
    lines = path.read_text().splitlines()
    start = name = None
    for number, line in enumerate(lines, 1):
        if line == "{" and number > 1:
            head = " ".join(lines[max(0, number - 6) : number - 1])
            found = re.findall(r"(\w+)\s*\(", head)
            start, name = number, found[-1] if found else "?"
            names = [f for f in found if not f.isupper() and f != "__attribute__"]
            name = names[-1] if names else name
        elif line == "}" and start is not None:
            yield name, start, number - start + 1
            start = None


def check_lengths(result):
    long_files, long_functions, all_lengths = [], [], []
    for path in c_files():
        n_lines = len(path.read_text().splitlines())
        if n_lines > MAX_FILE_LINES:
            long_files.append(f"{rel(path)}: {n_lines} lines")
        if path.suffix != ".c":
            continue
        for name, line, length in functions(path):
            all_lengths.append(length)
            if length > MAX_FUNCTION_LINES:
                long_functions.append(f"{rel(path)}:{line}: {name}: {length} lines")
    median = statistics.median(all_lengths)
    result.expect(not long_files, f"no file has more than {MAX_FILE_LINES} lines", "\n".join(long_files))
    result.expect(
        not long_functions, f"no function has more than {MAX_FUNCTION_LINES} lines", "\n".join(long_functions)
    )
    result.expect(median <= MAX_MEDIAN_LINES, f"the median function has at most {MAX_MEDIAN_LINES} lines", str(median))


def check_conditionals(result):
    wrong = []
    for path in c_files():
        text = path.read_text()
        guard = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M)
        for match in COND.finditer(text):
            if guard and match.start() == guard.start():
                continue
            if not within(rel(path), "common/base") and not within(rel(path), "tests/fuzz"):
                wrong.append(f"{rel(path)}: {match.group(0).strip()}")
    result.expect(not wrong, "#if stands in common/base alone", "\n".join(wrong))


def check_licences(result):
    wrong = []
    for path in tracked("*.c", "*.h", "*.py", "*.sh", "*.ts", "*.svelte", "*.css", "meson.build", "**/meson.build"):
        text = path.read_text()
        if text and "SPDX-License-Identifier: Apache-2.0" not in text[:400]:
            wrong.append(rel(path))
    result.expect(not wrong, "each source file names its licence", "\n".join(wrong))


# Directories that every machine has: a path below them says nothing of this one.
COMMON_DIRS = ("/", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr/src", "/var", "/var/tmp")


def check_leaks(result):
    """Nothing of a machine or a registry in what is committed."""
    wrong = []
    for path in tracked():
        if path.suffix in (".png", ".img", ".bin", ".zst") or "corpus" in path.parts:
            continue
        text = path.read_text(errors="replace")
        if str(TOP.parent) not in COMMON_DIRS and str(TOP.parent) + "/" in text:
            wrong.append(f"{rel(path)}: names a directory of this machine")
        if path.name == "package-lock.json" and re.search(r'"resolved": *"https?://', text):
            wrong.append(f"{rel(path)}: records download addresses")
    result.expect(not wrong, "no machine's path and no registry's host is committed", "\n".join(wrong))


def check_format(result):
    status, text = command("clang-format", "--dry-run", "--Werror", *c_files())
    files = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", text, re.M)))
    detail = "\n".join(files) if files else text
    result.expect(status == 0, "clang-format would change nothing", detail)


def suite(result):
    """Layers, lengths, licences, formatting, and text that does not belong here."""
    for check in (check_layers, check_lengths, check_conditionals, check_licences, check_leaks, check_format):
        check(result)
