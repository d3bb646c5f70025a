# SPDX-License-Identifier: Apache-2.0
"""What our deltas cost beside those of others: bytes, CPU and memory, each from a round trip compared byte by byte.

    ./check bench-delta DIR

DIR holds pairs NAME.v1, NAME.v2. Peers that are installed are run on the same pair; figures of others are read from
DIR/README.md (or $OTA_CORPUS_README), from the first table whose first column is called "pair".
"""

import filecmp
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("OTA_BUILD", "build"))
OTA = BUILD / "tools/ota"

# name: (program it needs, make, apply, files that go over the wire); {old} {new} {patch} {out} are paths
PEERS = {
    "xdelta3": ("xdelta3", "xdelta3 -D -9 -S lzma -B {window} -W 16777216 -f -e -s {old} {new} {patch}",
                "xdelta3 -D -B {window} -f -d -s {old} {patch} {out}"),
    "bsdiff": ("bsdiff", "bsdiff {old} {new} {patch}", "bspatch {old} {out} {patch}"),
    "zstd": ("zstd", "zstd -q -f --ultra -22 --long=31 --patch-from={old} {new} -o {patch}",
             "zstd -q -f -d --long=31 --patch-from={old} {patch} -o {out}"),
    "rdiff": ("rdiff", "sh -c 'rdiff -b 1024 signature {old} {patch}.sig && rdiff -f delta {patch}.sig {new} {patch}.raw"
              " && zstd -q -f -19 {patch}.raw -o {patch}'",
              "sh -c 'zstd -q -f -d {patch} -o {patch}.raw && rdiff -f patch {old} {patch}.raw {out}'"),
}


def run(line, **paths):
    """Runs a command; (CPU seconds, peak MiB) of the largest of its processes, or None if it fails.

    By GNU time, which is small: what Python starts itself would be counted with Python's own peak."""
    with tempfile.NamedTemporaryFile(prefix="ota-bench-time-") as usage:
        text = line.format(**paths)
        words = ["sh", "-c", text[7:-1]] if text.startswith("sh -c '") else text.split()
        done = subprocess.run(["time", "-q", "-f", "%U %S %M", "-o", usage.name, *words], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            return None
        user, system, peak = pathlib.Path(usage.name).read_text().split()[-3:]
        return float(user) + float(system), int(peak) / 1024


def round_trip(make, apply, old, new, place):
    """Makes, applies and compares: (bytes, make CPU, make MiB, apply CPU, apply MiB), or None."""
    paths = {"old": old, "new": new, "patch": place / "patch", "out": place / "out",
             "window": max(old.stat().st_size, 1 << 20)}
    made = run(make, **paths)
    applied = made and run(apply, **paths)
    if not applied or not filecmp.cmp(new, paths["out"], shallow=False):
        return None
    return (paths["patch"].stat().st_size, *made, *applied)


def casync(old, new, place):
    """Chunks of new that old has not, and the index: what a device fetches."""
    store_old, store_new = place / "old.castr", place / "new.castr"
    line = "casync make --chunk-size=65536 --store={store} {index} {file}"
    if not run(line, store=store_old, index=place / "old.caibx", file=old):
        return None
    made = run(line, store=store_new, index=place / "new.caibx", file=new)
    seeded = made and run(f"casync extract --store={store_new} --seed={old} {place}/new.caibx {place}/out")
    if not seeded or not filecmp.cmp(new, place / "out", shallow=False):
        return None
    have = {p.name for p in store_old.rglob("*.cacnk")}
    size = sum(p.stat().st_size for p in store_new.rglob("*.cacnk") if p.name not in have)
    return (size + (place / "new.caibx").stat().st_size, *made, *seeded)


def figures(readme):
    """{pair: {peer: bytes}} of the table in the corpus' README, but what is no delta."""
    found, titles = {}, []
    for line in readme.read_text().splitlines() if readme.is_file() else []:
        cells = [c.strip(" *") for c in line.strip().strip("|").split("|")]
        if cells[0] == "pair" and not found and "old" in cells:
            titles = cells
        elif titles and not line.startswith("|"):
            break
        elif titles and re.fullmatch(r"[\w-]+", cells[0]) and re.search(r"\w", cells[0]):
            row = dict(zip(titles[3:], cells[3:]))
            found[cells[0]] = {k: int(v.replace(",", "")) for k, v in row.items()
                               if v.replace(",", "").isdigit() and not k.startswith("full")}
    return found


def measure(name, directory, known):
    old, new = directory / f"{name}.v1", directory / f"{name}.v2"
    rows = {}
    with tempfile.TemporaryDirectory(prefix="ota-bench-delta-") as place:
        place = pathlib.Path(place)
        rows["ota"] = round_trip(f"{OTA} delta make {{old}} {{new}} {{patch}}",
                                 f"{OTA} delta apply {{old}} {{patch}} {{out}}", old, new, place)
        for peer, (program, make, apply) in PEERS.items():
            if shutil.which(program):
                rows[peer] = round_trip(make, apply, old, new, place)
        if shutil.which("casync"):
            rows["casync"] = casync(old, new, place)
    if rows["ota"] is None:
        raise SystemExit(f"bench-delta: {name}: our own round trip failed")
    report(name, new.stat().st_size, rows, known)
    sizes = [row[0] for peer, row in rows.items() if row and peer != "ota"] + list(known.values())
    return (rows["ota"][0] / min(sizes) if sizes else None), rows["ota"][0] / new.stat().st_size


def report(name, size, rows, known):
    print(f"\n{name}: {size:,} bytes")
    print(f"  {'':22}{'bytes':>12}{'make s':>9}{'MiB':>7}{'apply s':>9}{'MiB':>7}")
    for peer, row in rows.items():
        if row is None:
            print(f"  {peer:22}{'wrong or failed':>16}")
        else:
            print(f"  {peer:22}{row[0]:12,}{row[1]:9.2f}{row[2]:7.0f}{row[3]:9.2f}{row[4]:7.1f}")
    for peer, figure in known.items():
        print(f"  {peer:22}{figure:12,}   (from the corpus)")


def mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values))


def idle():
    """What a process of ours has in memory that does nothing."""
    return run(f"{OTA} --version")[1]


def main():
    directory = pathlib.Path(os.environ.get("OTA_CORPUS", "corpus"))
    names = sorted(p.name[:-3] for p in directory.glob("*.v1") if (directory / f"{p.name[:-3]}.v2").is_file())
    if not names:
        print(f"bench-delta: no pairs NAME.v1, NAME.v2 in {directory}: ./check bench-delta DIR")
        return 77
    if not shutil.which("time"):
        print("bench-delta: needs GNU time, Debian's package time")
        return 77
    known = figures(pathlib.Path(os.environ.get("OTA_CORPUS_README", directory / "README.md")))
    missing = [p for p, row in PEERS.items() if not shutil.which(row[0])] + ["casync"] * (not shutil.which("casync"))
    print(f"not installed: {', '.join(missing) or 'none'}; an idle process of ours: {idle():.1f} MiB")
    ratios = {}
    for name in names:
        ratio, of_full = measure(name, directory, known.get(name, {}))
        if ratio is None:
            print(f"  {of_full:.3f} of the image, and no peer to compare with")
            continue
        # A pair that no peer makes smaller than half is compressed: its change is hidden.
        compressed = of_full / ratio > 0.4
        ratios.setdefault("compressed" if compressed else "plain", []).append(ratio)
        print(f"  {ratio:.3f} of the best peer")
    print()
    for kind, values in sorted(ratios.items()):
        print(f"{kind} pairs: geometric mean {mean(values):.3f}, worst {max(values):.3f}, of {len(values)}")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
