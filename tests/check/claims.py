# SPDX-License-Identifier: Apache-2.0
"""What the documents claim must name something that exists.

A proof is written as `tests/unit/test_tuf.c: a_sentence` (the file and a name in it), a command as
`./check SUITE`; links between documents must lead somewhere; prose keeps to the agreed names.
"""

import re

from .run import TOP
from .style import rel, tracked

PROOF = re.compile(r"`(tests/[\w./-]+|lab/[\w./-]+\.py|web/[\w./-]+): ?([^`]+)`")
SUITE = re.compile(r"`\./check ([a-z][a-z-]*)")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def documents():
    return tracked("*.md", "docs/*.md", "docs/**/*.md", "web/*.md")


def check_proofs(result):
    wrong, count = [], 0
    for path in documents():
        for file, name in PROOF.findall(path.read_text()):
            count += 1
            there = TOP / file
            if not there.is_file() or name.strip() not in there.read_text():
                wrong.append(f"{rel(path)}: `{file}: {name}` does not exist")
    result.expect(not wrong, f"each of {count} tests named in the documents exists", "\n".join(wrong))


def check_suites(result, names):
    wrong = []
    for path in documents():
        for name in SUITE.findall(path.read_text()):
            if name not in names:
                wrong.append(f"{rel(path)}: ./check {name} does not exist")
    result.expect(not wrong, "each suite named in the documents exists", "\n".join(wrong))


def check_links(result):
    wrong = []
    for path in documents():
        for target in LINK.findall(path.read_text()):
            if not (path.parent / target).exists():
                wrong.append(f"{rel(path)}: link to {target} leads nowhere")
    result.expect(not wrong, "each link between documents leads somewhere", "\n".join(wrong))


def suite(result):
    from .suites import SUITES

    check_proofs(result)
    check_suites(result, {row[0] for row in SUITES} | {"quick"})
    check_links(result)
