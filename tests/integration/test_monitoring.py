# SPDX-License-Identifier: Apache-2.0
"""deploy/prometheus and deploy/grafana: rules and panels ask for what the server counts, and each alert leads to what to do."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from .fleet import OwnServer
from .server import PATIENCE, TOP

from lab.demo.steps import wait_until

PROMETHEUS = TOP / "deploy/prometheus"
GRAFANA = TOP / "deploy/grafana/ota-server.json"
NAME = re.compile(r"\b(?:ota|process)_[a-z0-9_]+\b")
NO_METRIC = {"ota_server"}  # a word of other texts


def alerts():
    """{name: the text of its rule}"""
    text = (PROMETHEUS / "alerts.yml").read_text()
    return {block.split("\n", 1)[0].strip(): block for block in text.split("- alert:")[1:]}


def expressions():
    """Every expression that is sent to Prometheus: (where, text)."""
    for name, block in alerts().items():
        yield f"alert {name}", re.search(r"expr: '(.*)'$", block, re.M)[1]
    dashboard = json.loads(GRAFANA.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        yield f"variable {variable['name']}", variable["query"]


def promtool(*words, **more):
    return subprocess.run(["promtool", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


class Names(OwnServer):
    def told(self):
        """{name of a family: its kind}"""
        text = self.s.api("GET", "/metrics").body.decode()
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))

    def test_rules_and_panels_use_only_what_the_server_counts(self):
        self.s.start("--metrics-every", "100ms")
        wait_until(lambda: "ota_watch_timestamp_seconds" in self.told(), PATIENCE, "the first look")
        there = self.told()
        names = set(there)
        for name, kind in there.items():
            if kind == "histogram":
                names |= {name + "_bucket", name + "_sum", name + "_count"}
        asked = [(where, n) for where, text in expressions() for n in NAME.findall(text) if n not in NO_METRIC]
        self.assertGreater(len(asked), 60)
        self.assertEqual([f"{where}: {n}" for where, n in asked if n not in names], [], "the server counts no such thing")


class Alerts(unittest.TestCase):
    def test_each_alert_leads_to_its_section_with_symptom_check_and_command(self):
        text = (TOP / "docs/OPERATIONS.md").read_text()
        sections = {block.split("\n", 1)[0].strip(): block for block in re.split(r"^### ", text, flags=re.M)[1:]}
        self.assertGreater(len(alerts()), 10)
        for name, block in alerts().items():
            self.assertIn(f"runbook: 'docs/OPERATIONS.md#{name.lower()}'", block, name)
            self.assertIn(name, sections, f"docs/OPERATIONS.md has no section ### {name}")
            for word in ("Symptom", "Check", "Command"):
                self.assertIn(f"* **{word}**: ", sections[name], (name, word))
        self.assertEqual([s for s in sections if s.startswith("Ota") and s not in alerts()], [], "sections without an alert")

    def test_each_alert_has_a_test_that_fires_and_one_that_does_not(self):
        text = (PROMETHEUS / "alerts_test.yml").read_text()
        for name in alerts():
            for way, result in (("fires", "exp_alerts:\n"), ("stays quiet", "exp_alerts: []")):
                parts = text.split(f"- name: {name} {way}\n")
                self.assertEqual(len(parts), 2, (name, way))
                self.assertIn(result, parts[1].split("- name:")[0], (name, way))

    def test_panels_are_told_apart_and_do_not_overlap(self):
        panels = json.loads(GRAFANA.read_text())["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = set()
        for panel in panels:
            g = panel["gridPos"]
            cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(g["x"] + g["w"], 24, panel["title"])
            taken |= cells


@unittest.skipIf(shutil.which("promtool") is None, "promtool is not installed (Debian's package prometheus)")
class Promtool(unittest.TestCase):
    def test_the_rules_are_well_formed(self):
        done = promtool("check", "rules", PROMETHEUS / "alerts.yml")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"{len(alerts())} rules found", done.stdout)

    def test_the_configuration_is_well_formed(self):
        done = promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_every_alert_fires_where_it_should_and_only_there(self):
        done = promtool("test", "rules", "alerts_test.yml", cwd=PROMETHEUS)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_rule_that_never_fires_and_one_that_always_does_are_found(self):
        rules, tests = ((PROMETHEUS / n).read_text() for n in ("alerts.yml", "alerts_test.yml"))
        for expr in ("vector(0) > 1", "vector(1)"):
            with tempfile.TemporaryDirectory() as place:
                broken = re.sub(r"(- alert: OtaSignerDown\n\s+expr: ).*", rf"\g<1>'{expr}'", rules)
                pathlib.Path(place, "alerts.yml").write_text(broken)
                pathlib.Path(place, "alerts_test.yml").write_text(tests)
                done = promtool("test", "rules", "alerts_test.yml", cwd=place)
                self.assertNotEqual(done.returncode, 0, expr)
                self.assertIn("OtaSignerDown", done.stdout)


if __name__ == "__main__":
    unittest.main()
