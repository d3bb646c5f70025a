# SPDX-License-Identifier: Apache-2.0
"""The suites of ./check, each a function that adds to a Result, and the table of them."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import style
from .run import BUILD, CMOCKA_BAD, CMOCKA_OK, CMOCKA_SKIP, TOP, command, configure, ninja, unittest_count

SANITIZED = TOP / "build-asan"
NODE_CACHE = TOP / ".cache/node18"


def build(result):
    """All programs, with warnings as errors."""
    status, text = configure(BUILD, "-Dwerror=true")
    if not result.expect(status == 0, "meson configures the build", text):
        return
    status, text = ninja(BUILD)
    result.expect(status == 0, "everything builds without a warning", text)


def run_units(result, directory, env=None):
    command("meson", "test", "-C", directory, "--suite", "unit", "--no-rebuild", env=env)
    log = directory / "meson-logs/testlog.json"
    for line in log.read_text().splitlines():
        row = json.loads(line)
        text = row.get("stdout", "") + row.get("stderr", "")
        cases = len(CMOCKA_OK.findall(text))
        skipped = len(CMOCKA_SKIP.findall(text))
        failed = set(CMOCKA_BAD.findall(text))
        name = row["name"].split(" / ")[-1]
        result.skipped += skipped
        if row["result"] in ("OK", "EXPECTEDFAIL"):
            result.passed += max(cases, 1)
        else:
            result.passed += cases
            result.failed += max(len(failed), 1)
            result.notes.append(f"FAILED {name}: {row['result']}\n" + "\n".join(text.splitlines()[-50:]))


def unit(result):
    """Unit tests of every module, and each parser's fuzz corpus replayed."""
    run_units(result, BUILD)


def sanitized_build(result):
    status, text = configure(
        SANITIZED, "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"
    )
    if not result.expect(status == 0, "meson configures the sanitized build", text):
        return False
    status, text = ninja(SANITIZED)
    return result.expect(status == 0, "everything builds with the sanitizers", text)


STRICT = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


def sanitize(result):
    """The unit tests again under AddressSanitizer and UndefinedBehaviorSanitizer."""
    if sanitized_build(result):
        run_units(result, SANITIZED, STRICT)


def run_integration(result, build, names, env=None):
    for name in names:
        name = f"tests.integration.{name}"
        status, text = command("python3", "-B", "-m", "unittest", "-v", name, env={"OTA_BUILD": str(build), **(env or {})})
        unittest_count(result, status, text, name)


def sanitize_integration(result):
    """Integration tests of the server and the agent under the same sanitizers: a few minutes."""
    if sanitized_build(result):
        run_integration(result, SANITIZED, SANITIZED_INTEGRATION, STRICT)


# Those whose programs do most for their time; a server or an agent that a sanitizer ends fails its test.
SANITIZED_INTEGRATION = [
    "test_http", "test_session", "test_limits", "test_events", "test_device_api", "test_management_api", "test_freeze", "test_rollout",
    "test_webhook", "test_audit", "test_backup", "test_postgres", "test_agent_offline",
]


def integration(result):
    """The real programs, over real TLS, SQLite, files and processes."""
    run_integration(result, BUILD, sorted(path.stem for path in (TOP / "tests/integration").glob("test_*.py")))


def interop(result):
    """Our TUF client under the reference's tests; our repository before two clients by other people."""
    status, text = command("sh", TOP / "tests/interop/tuf.sh", BUILD)
    if status == 77:
        result.skip(text.strip().splitlines()[-1])
        return
    counts = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
    result.passed += sum(int(passed) for passed, _ in counts)
    result.failed += sum(int(failed) for _, failed in counts)
    result.notes += [line for line in text.splitlines() if line.startswith("FAILED")]
    result.expect(status == 0 and len(counts) == 2, "both halves of tests/interop/tuf.sh run to their end", text)


def swupdate(result):
    """Debian's SWUpdate updates from our server: success, failure, cancel, resume, a window."""
    if not shutil.which("swupdate"):
        result.skip("swupdate is not installed")
        return
    name = "tests.interop.test_swupdate"
    status, text = command("python3", "-B", "-m", "unittest", "-v", name, env={"OTA_BUILD": str(BUILD)})
    unittest_count(result, status, text, name)


def openapi(result):
    """Other people's validator on the OpenAPI document."""
    status, text = command("sh", TOP / "tests/interop/openapi.sh", BUILD)
    if status == 77:
        result.skip(text.strip().splitlines()[-1])
        return
    result.expect(status == 0, "the OpenAPI document is valid OpenAPI 3.1", text)


def digest_of(*paths):
    sums = hashlib.sha256()
    for path in paths:
        sums.update(path.read_bytes())
    return sums.hexdigest()


def node_env(result):
    """Debian's own Node 18 first on PATH; None if it cannot be had."""
    status, text = command("sh", TOP / "deploy/node18.sh", NODE_CACHE)
    lines = text.strip().splitlines()
    if not result.expect(status == 0 and lines, "Debian's Node 18 is at hand", text):
        return None
    return {"PATH": f"{lines[-1]}:{os.environ['PATH']}"}


def npm_install(result, env):
    """npm ci, once for each lock file."""
    stamp = TOP / "web/node_modules/.check-stamp"
    wanted = digest_of(TOP / "web/package-lock.json")
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    status, text = command("npm", "ci", "--no-audit", "--no-fund", cwd=TOP / "web", env=env)
    if result.expect(status == 0, "npm ci installs what the lock file names", text):
        stamp.write_text(wanted)
    return status == 0


def console(result):
    """The console's types and logic, built with Debian's Node 18."""
    env = node_env(result)
    if env is None or not npm_install(result, env):
        return
    for script, sentence in (
        ("check", "the console's types hold"),
        ("test", "the console's unit tests pass"),
        ("build", "the console builds"),
    ):
        status, text = command("npm", "run", script, cwd=TOP / "web", env=env)
        result.expect(status == 0, sentence, text)


def console_in_server(result):
    """The environment in which a browser's suite runs: Node, and the console built into the server. None: it failed."""
    env = node_env(result)
    if env is None or not npm_install(result, env):
        return None
    status, text = command("npm", "run", "build", cwd=TOP / "web", env=env)
    if not result.expect(status == 0, "the console builds", text):
        return None
    status, text = ninja(BUILD)
    if not result.expect(status == 0, "the console is compiled into the server", text):
        return None
    return {**env, "OTA_BUILD": str(BUILD)}


def browser(result):
    """The console in a real Chromium, both themes, as a real server serves it."""
    env = console_in_server(result)
    if env is not None:
        status, text = command("python3", "-B", "-m", "tests.browser", env=env)
        result.expect(status == 0, "the console works in a browser", text)


def story(result):
    """./demo --story: every row of its table holds."""
    status, text = command(TOP / "demo", "--yes", "--story")
    result.expect(status == 0, "the story of ./demo plays to its end", text)


def install(result):
    """meson install into a directory of its own: programs, man pages, completions, units."""
    with tempfile.TemporaryDirectory() as root:
        status, text = command("meson", "install", "-C", BUILD, "--no-rebuild", env={"DESTDIR": root})
        result.expect(status == 0, "meson install with DESTDIR works", text)
        names = {p.name for p in pathlib.Path(root).rglob("*") if p.is_file()}
        for name in ("ota", "ota-server", "ota-client", "ota-boot"):
            result.expect({name, f"{name}.1", f"{name}.bash"} <= names, f"{name} is installed with its manual and completion")


def agent_facts(program):
    """What the agent needs on a device: its size and the libraries it names itself."""
    _, sizes = command("size", program)
    _, dynamic = command("readelf", "-d", program)
    needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
    text, data, bss = sizes.splitlines()[1].split()[:3]
    return [f"ota-client: {text} bytes of code, {data} of data, {bss} zeroed; needs {', '.join(needed)}"]


def agent_alone(result):
    """-Dparts=agent: the agent without the rest of the house, and without re-encoders."""
    directory = TOP / "build-agent"
    status, text = configure(directory, "-Dparts=agent", "-Dunwrap=false", "-Dtests=false", "-Dbuildtype=minsize")
    if result.expect(status == 0, "the agent configures alone", text):
        status, text = ninja(directory)
        if result.expect(status == 0, "the agent builds alone", text):
            result.notes += agent_facts(directory / "client/ota-client")


def units_hardened(result):
    """The systemd units are as closed as systemd can tell."""
    units = sorted((TOP / "deploy/systemd").glob("*.service"))
    if not result.expect(bool(units), "deploy/systemd has units"):
        return
    for unit_file in units:
        status, text = command("systemd-analyze", "security", "--offline=true", "--threshold=20", unit_file)
        result.expect(status == 0, f"{unit_file.name} stays below exposure 2.0", text)


def claims(result):
    """What README claims names a test or command that exists."""
    from . import claims as module

    module.suite(result)


def fresh(result):
    """Both commands on a minimal Debian 12 made for the purpose (needs root and mmdebstrap)."""
    status, text = command("sh", TOP / "tests/check/fresh.sh", timeout=5400)
    result.expect(status == 0, "a bare Debian 12 runs ./demo --story and ./check quick", text)


def cross(result):
    """The agent for arm64 and armhf, the formats for s390x, and their unit tests under qemu-user."""
    status, text = command("sh", TOP / "tests/check/cross.sh", timeout=3600)
    result.expect(status == 0, "the agent builds and passes for arm64, armhf and s390x", text)


def bench(*words, prepare=lambda result: {"OTA_BUILD": str(BUILD)}):
    """A benchmark prints what it measured; it fails only if it cannot measure."""
    def suite(result):
        env = prepare(result)
        if env is None:
            return
        status = subprocess.run(["python3", "-B", "-m", *words], cwd=TOP, env={**os.environ, **env}).returncode
        if status == 77:
            result.skip("the benchmark has nothing to compare with")
        else:
            result.expect(status == 0, f"{words[0]} measures")
    return suite


bench_server = bench("tests.bench.server")
bench_server.__doc__ = "What a poll, a report and a list cost at 100,000 devices, beside nginx in the same run."
bench_million = bench("tests.bench.server", "--devices", "1000000", "--fleet", "--rounds", "1")
bench_million.__doc__ = "The same at 1,000,000 devices, each of which polls once."

bench_console = bench("tests.bench.console", prepare=console_in_server)
bench_console.__doc__ = "What an operator waits for in the console at 100,000 devices, in Chromium."
bench_delta = bench("tests.bench.delta")
bench_delta.__doc__ = "Deltas of the pairs in a directory (./check bench-delta DIR), beside what Debian has."


#         name            function        in quick  in full
SUITES = [
    ("style", style.suite, True, True),
    ("console", console, False, True),
    ("build", build, True, True),
    ("unit", unit, True, True),
    ("browser", browser, False, True),
    ("integration", integration, True, True),
    ("interop", interop, False, True),
    ("swupdate", swupdate, False, True),
    ("openapi", openapi, False, True),
    ("story", story, False, True),
    ("sanitize", sanitize, False, True),
    ("sanitize-integration", sanitize_integration, False, False),
    ("agent-alone", agent_alone, False, True),
    ("install", install, False, True),
    ("hardening", units_hardened, True, True),
    ("claims", claims, True, True),
    ("bench-console", bench_console, False, False),
    ("bench-delta", bench_delta, False, False),
    ("fresh", fresh, False, False),
    ("cross", cross, False, False),
    ("bench-server", bench_server, False, False),
    ("bench-million", bench_million, False, False),
]

assert shutil.which("git"), "git is needed"
