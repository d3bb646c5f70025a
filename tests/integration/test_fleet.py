# SPDX-License-Identifier: Apache-2.0
"""The fleet over the management API: filters, lists, groups, products, pins, versions, CSV."""

import csv
import io
import signal
import subprocess
import time
import urllib.parse

from .fleet import FleetTest
from .server import PATIENCE, Stream


class Fleet(FleetTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.members = [cls.s.add_device(f"gw-{i}") for i in range(6)]
        for i, d in enumerate(cls.members):
            d.poll()
            d.request("PUT", "/configData", {"data": {"product": "gateway", "hardware": "revA", "hw": f"rev{i % 2}",
                                                      "version": f"1.{8 + i}.0"}})
            cls.s.api("PATCH", f"/api/v1/devices/gw-{i}", {"site": ["north", "south"][i % 2], "name": f"Door {i}"})

    def devices(self, filter="", **query):
        query = urllib.parse.urlencode({"filter": filter, **query})
        answer = self.s.api("GET", f"/api/v1/devices?{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def ids(self, filter, **query):
        return [d["id"] for d in self.devices(filter, **query)["items"]]

    def change(self, device, **what):
        answer = self.s.api("PATCH", f"/api/v1/devices/{device}", what)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def refused(self, method, path, body, status, detail):
        answer = self.s.api(method, path, body)
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(detail, answer.json["detail"])

    def test_a_filter_selects_what_devices_and_operators_said(self):
        self.assertEqual(self.ids("id==gw-*;version=lt=1.10"), ["gw-0", "gw-1"])
        self.assertEqual(self.ids("attribute.hw==rev1;site==south;id==gw*"), ["gw-1", "gw-3", "gw-5"])
        self.assertEqual(self.ids("id=in=(gw-1,gw-4,gw-9) and name!='Door 1'"), ["gw-4"])
        self.assertEqual(len(self.ids("id==gw-*;created=ge=-1h")), 6)

    def test_a_wrong_filter_is_told_with_its_column(self):
        for filter, detail in [("id==x;state==lost", "filter: column 14: \"lost\" is no state"),
                               ("group==nowhere", "column 1: there is no group"),
                               ("(" * 17 + "id==x", "column 18: more than 16 parentheses deep")]:
            answer = self.s.api("GET", "/api/v1/devices?filter=" + urllib.parse.quote(filter))
            self.assertIn(answer.status, (400, 413))
            self.assertIn(detail, answer.json["detail"])

    def test_lists_are_sorted_paged_and_counted(self):
        for sort, first in [("version", "gw-0"), ("-version", "gw-5"), ("-name", "gw-5"), ("-lastseen", None),
                            ("created", "gw-0"), ("product", "gw-0"), ("-state", None)]:
            with self.subTest(sort):
                whole = self.ids("id==gw-*", sort=sort)
                seen, after = [], ""
                while True:
                    page = self.devices("id==gw-*", sort=sort, limit=2, after=after)
                    seen += [d["id"] for d in page["items"]]
                    if "next" not in page:
                        break
                    after = page["next"]
                self.assertEqual(seen, whole)
                self.assertEqual(len(set(seen)), 6)
                if first:
                    self.assertEqual(seen[0], first)
        page = self.devices("id==gw-*", limit=1, count="true")
        self.assertEqual((page["total"], page["total_exact"]), (6, True))
        self.assertEqual(self.s.api("GET", "/api/v1/devices?sort=weight").status, 400)
        self.assertEqual(self.s.api("GET", "/api/v1/devices?sort=version&after=zz").status, 400)

    def test_a_whole_list_comes_as_csv_and_computes_nothing(self):
        self.s.add_device("csv-1")
        self.change("csv-1", name="=1+1;\"x\", \u00fc", tags=["b", "a"])
        answer = self.s.api("GET", "/api/v1/devices?format=csv&filter=" + urllib.parse.quote("id==csv-1,id==gw-*"))
        self.assertEqual(answer.headers["Content-Type"], "text/csv; charset=utf-8")
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        self.assertEqual([r["id"] for r in rows], ["csv-1"] + [f"gw-{i}" for i in range(6)])
        self.assertEqual(rows[0]["name"], "'=1+1;\"x\", \u00fc")
        self.assertEqual(rows[0]["tags"], "a b")
        self.assertRegex(rows[1]["created_at"], r"^20\d\d-\d\d-\d\dT")
        by_header = self.s.request("GET", "/api/v1/devices?filter=id==csv-1", None,
                                   {"Authorization": f"Bearer {self.s.token}", "Accept": "text/csv"})
        self.assertEqual(len(by_header.body.splitlines()), 2)

    def test_a_device_is_described_and_the_description_taken_back(self):
        d = self.device()
        shown = self.change(d.name, name="Hall", tags=["lab", "a", "lab"], site="east", attributes={"room": "5"})
        self.assertEqual((shown["name"], shown["tags"], shown["site"]), ("Hall", ["a", "lab"], "east"))
        d.request("PUT", "/configData", {"data": {"room": "6", "own": "x"}})
        shown = self.change(d.name, tags=[], site=None)
        self.assertEqual((shown["name"], shown["tags"], shown["site"]), ("Hall", [], None))
        self.assertEqual(shown["attributes"]["room"], "5")
        self.assertNotIn("room", self.change(d.name, attributes={"room": None})["attributes"])
        path = f"/api/v1/devices/{d.name}"
        self.refused("PATCH", path, {"tags": ["a b"]}, 400, "not a tag")
        self.refused("PATCH", path, {"colour": "red"}, 400, "unknown")
        self.refused("PATCH", path, {"attributes": {"slot.a.state": "GOOD"}}, 400, "for the device to say")
        self.refused("PATCH", path, {"pin": {}}, 400, "reason")
        self.refused("PATCH", "/api/v1/devices/nobody", {"site": "x"}, 404, "nobody")

    def test_a_devices_parts_have_versions_that_are_reported_or_proven(self):
        d = self.device()
        d.request("PUT", "/configData", {"data": {"component.modem.version": "1.4", "component.firmware.version": "9"}})
        path = f"/api/v1/devices/{d.name}"
        shown = self.s.api("GET", path).json["components"]
        self.assertEqual(shown, [{"name": "firmware", "version": "9", "grade": "reported"},
                                 {"name": "modem", "version": "1.4", "grade": "reported"}])
        action = self.assign(d, self.r2)
        self.assertEqual(d.prove(action, self.root_hash(d, self.offer(d))).status, 200)
        d.request("PUT", "/configData", {"data": {"component.firmware.version": "9"}})
        shown = self.s.api("GET", path).json["components"]
        self.assertEqual(shown, [{"name": "firmware", "version": "2.0.0", "grade": "proven"},
                                 {"name": "modem", "version": "1.4", "grade": "reported"}])
        self.assertEqual(self.ids("component.firmware==2.0.0;component.modem=lt=1.10"), [d.name])
        self.assertRegex(self.s.ota("device", "show", d.name, "--server", self.s.url, "--ca", self.s.data / "ca.pem",
                                    "--token-file", self.s.place / "token"), r"firmware +2\.0\.0 +proven\n")
        self.refused("PATCH", path, {"attributes": {"component.modem.version": "2"}}, 400, "for the device to say")

    def test_a_pinned_device_takes_no_other_release(self):
        d = self.device()
        self.refused("PATCH", f"/api/v1/devices/{d.name}", {"pin": {"release": "0" * 16, "reason": "x"}}, 404, "no release")
        self.change(d.name, pin={"release": self.r1, "reason": "under test"})
        self.assertEqual(self.ids(f"pinned==true;id=={d.name}"), [d.name])
        self.refused("POST", "/api/v1/deployments", {"device": d.name, "release": self.r2}, 409, "under test")
        self.assign(d, self.r1)
        self.change(d.name, pin=None)
        self.assign(d, self.r2)

    def test_static_and_rule_groups_select_and_guard_each_other(self):
        make = lambda name, **more: self.s.api("POST", "/api/v1/groups", {"name": name, **more})
        self.assertEqual(make("pilot", about="first").status, 201)
        self.assertEqual(make("pilot").status, 409)
        group = self.s.api("POST", "/api/v1/groups/pilot/members", {"add": ["gw-1", "gw-2"]}).json
        self.assertEqual((group["devices"], group["filter"]), (2, None))
        self.refused("POST", "/api/v1/groups/pilot/members", {"add": ["gw-3", "nobody"]}, 404, "nobody")
        self.assertEqual(make("south", filter="site==south;id==gw-*").json["devices"], 3)
        self.assertEqual(make("both", filter="group==pilot,group==south").json["devices"], 4)
        self.assertEqual(self.ids("group==both"), ["gw-1", "gw-2", "gw-3", "gw-5"])
        self.refused("PUT", "/api/v1/groups/south", {"filter": "group==both"}, 400, "groups within groups")
        self.refused("PUT", "/api/v1/groups/south", {"filter": "id="}, 400, "column 3")
        self.refused("DELETE", "/api/v1/groups/pilot", None, 409, "both")
        names = [g["name"] for g in self.s.api("GET", "/api/v1/groups").json["items"]]
        self.assertEqual(names, ["both", "pilot", "south"])
        for name in ("both", "pilot", "south"):
            self.assertEqual(self.s.api("DELETE", f"/api/v1/groups/{name}").status, 204)
        self.assertEqual(self.s.api("GET", "/api/v1/groups/pilot").status, 404)

    def test_products_say_what_they_are(self):
        path = "/api/v1/products/gateway"
        put = self.s.api("PUT", path, {"hardware": ["revA", "revB"], "support_ends_at": 1900000000000}).json
        self.assertEqual((put["hardware"], put["support_ends_at"]), (["revA", "revB"], 1900000000000))
        self.assertEqual(self.s.api("GET", path).json, put)
        self.assertEqual(self.s.api("PUT", path, {}).json["hardware"], [])
        self.refused("PUT", "/api/v1/products/No", {}, 400, "product")
        self.refused("PUT", path, {"hardware": ["-x"]}, 400, "hardware")
        self.assertEqual(self.s.api("DELETE", path).status, 204)
        self.assertEqual(self.s.api("GET", path).status, 404)

    def test_a_page_says_of_each_device_what_it_would_say_if_asked_alone(self):
        names = [f"asked-{i:03d}" for i in range(103)]
        made = [self.s.add_device(name) for name in names]
        self.assign(made[1], self.r1)
        pages, after = [], ""
        while after is not None:
            page = self.s.api("GET", f"/api/v1/devices?why=true&count=true&limit=500&filter=id==asked-*{after}").json
            self.assertEqual(page["total"], 103)
            pages.append(page["items"])
            after = f"&after={page['next']}" if "next" in page else None
        self.assertEqual([len(p) for p in pages], [100, 3])
        self.assertEqual([d["id"] for p in pages for d in p], names)
        for d in (*pages[0][:3], pages[0][99], *pages[1]):
            alone = self.s.api("GET", f"/api/v1/devices/{d['id']}/why").json
            self.assertEqual(d["why"], alone["text"], d["id"])
        self.assertNotEqual(pages[0][1]["why"], pages[0][2]["why"])
        self.assertNotIn("why", self.s.api("GET", "/api/v1/devices?limit=1").json["items"][0])

    def test_versions_say_who_is_behind(self):
        versions = self.s.api("GET", "/api/v1/versions").json
        newest = [n for n in versions["newest"] if n["product"] == "gateway"][0]
        self.assertEqual((newest["version"], newest["release"]), ("2.0.0", self.r2))
        self.assertGreaterEqual(newest["behind"], 6)
        self.assertEqual(len(self.ids(newest["behind_filter"] + ";id==gw-*")), 6)
        self.assertTrue(any(v["version"] == "1.8.0" and v["state"] == "idle" for v in versions["items"]))

    def test_the_first_point_in_time_is_there_after_a_start(self):
        self.s.stop()
        self.s.start()
        until, points = time.monotonic() + PATIENCE, []
        while not points and time.monotonic() < until:
            points = self.s.api("GET", "/api/v1/versions/history?product=gateway").json["items"]
        self.assertEqual(points[0]["at"] % 3600000, 0)
        self.assertEqual(self.s.api("GET", "/api/v1/versions/history?product=none").json["items"], [])
        self.assertEqual(self.s.api("GET", "/api/v1/versions/history?from_at=x").status, 400)


class Jobs(FleetTest):
    def setUp(self):
        self.prefix = self.id().rsplit(".", 1)[1][-40:]

    def crowd(self, n):
        return [self.s.add_device(f"{self.prefix}-{i}") for i in range(n)]

    def job(self, action, filter=None, **more):
        answer = self.s.api("POST", "/api/v1/jobs", {"action": action, "filter": filter or f"id=={self.prefix}-*", **more})
        self.assertEqual(answer.status, 202, answer.body)
        return self.ended(answer.json["id"])

    def ended(self, job):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            state = self.s.api("GET", f"/api/v1/jobs/{job}").json
            if state["state"] != "running":
                return state
        self.fail(f"job {job} runs and runs: {state}")

    def count(self, filter):
        return self.s.api("GET", "/api/v1/devices?limit=1&count=true&filter=" + urllib.parse.quote(filter)).json["total"]

    def test_all_that_match_are_tagged_pinned_and_let_go(self):
        self.crowd(230)  # more than two batches
        done = self.job("tag", tag="wave")
        self.assertEqual((done["state"], done["done"], done["skipped"]), ("done", 230, 0))
        self.assertEqual(self.count("tag==wave"), 230)
        # The job takes away what it selects by.
        self.assertEqual(self.job("untag", "tag==wave", tag="wave")["done"], 230)
        self.assertEqual(self.count("tag==wave"), 0)
        self.assertEqual(self.job("pin", reason="audit")["done"], 230)
        self.assertEqual(self.count("pinned==true"), 230)
        self.assertEqual(self.job("unpin")["done"], 230)
        self.assertEqual(self.job("delete")["done"], 230)
        self.assertEqual(self.count(f"id=={self.prefix}-*"), 0)

    def test_an_assignment_leaves_those_that_it_does_not_suit(self):
        devices = self.crowd(4)
        devices[1].request("PUT", "/configData", {"data": {"product": "toaster"}})
        self.s.api("PATCH", f"/api/v1/devices/{devices[2].name}", {"pin": {"reason": "on show"}})
        self.assign(devices[3], self.r1)
        done = self.job("assign", release=self.r1)
        self.assertEqual((done["state"], done["done"], done["skipped"]), ("done", 1, 3))
        self.offer(devices[0])
        self.assertNotIn("deploymentBase", devices[1].poll()["_links"])
        done = self.job("cancel")
        self.assertEqual((done["done"], done["skipped"]), (2, 2))
        self.assertIn("cancelAction", devices[0].poll()["_links"])

    def test_a_freeze_ends_an_assignment_and_says_so(self):
        self.crowd(2)
        self.s.api("PUT", "/api/v1/freeze", {"reason": "holidays"})
        done = self.job("assign", release=self.r1)
        self.s.api("DELETE", "/api/v1/freeze")
        self.assertEqual((done["state"], done["done"]), ("failed", 0))
        self.assertIn("holidays", done["detail"])

    def test_a_killed_server_goes_on_with_the_job(self):
        self.crowd(250)
        job = self.s.api("POST", "/api/v1/jobs", {"action": "tag", "filter": f"id=={self.prefix}-*", "tag": "kill"}).json["id"]
        self.s.stop(signal.SIGKILL)
        self.s.start()
        done = self.ended(job)
        self.assertEqual((done["state"], done["done"]), ("done", 250))
        self.assertEqual(self.count("tag==kill"), 250)

    def test_what_a_job_changes_is_told_as_it_happens(self):
        self.s.api("POST", "/api/v1/devices", {"id": f"{self.prefix}-told"})
        stream = Stream(self.s, "/api/v1/events", {"Authorization": f"Bearer {self.s.token}"})
        try:
            self.assertEqual(self.job("tag", filter=f"id=={self.prefix}-told", tag="told")["done"], 1)
            stream.expect(lambda _, event, data: event == "device" and data["tags"] == ["told"])
            ended = self.job("tag", filter=f"id=={self.prefix}-nobody", tag="told")  # one that changes nothing tells of itself
            stream.expect(lambda _, event, data: event == "job" and data["id"] == ended["id"])
        finally:
            stream.close()

    def test_bad_jobs_are_refused_with_the_reason(self):
        for body, status, detail in [
                ({"action": "dance", "filter": "id==x"}, 400, "no action"),
                ({"action": "tag", "filter": "id==x"}, 400, "\"tag\": missing"),
                ({"action": "tag", "filter": "id==x", "tag": "a b"}, 400, "not a tag"),
                ({"action": "tag", "filter": "", "tag": "a"}, 400, "id==*"),
                ({"action": "tag", "filter": "id=x", "tag": "a"}, 400, "column 3"),
                ({"action": "untag", "tag": "a"}, 400, "filter"),
                ({"action": "delete", "filter": "id==x", "tag": "a"}, 400, "not for this action"),
                ({"action": "pin", "filter": "id==x"}, 400, "reason"),
                ({"action": "pin", "filter": "id==x", "reason": "r", "force": True}, 400, "force"),
                ({"action": "join", "filter": "id==x"}, 400, "\"group\": missing"),
                ({"action": "join", "filter": "id==x", "group": "nowhere"}, 404, "nowhere"),
                ({"action": "tag", "filter": "id==x", "tag": "a", "group": "g"}, 400, "not for this action"),
                ({"action": "assign", "filter": "id==x", "release": "0" * 16}, 404, "release")]:
            with self.subTest(body):
                answer = self.s.api("POST", "/api/v1/jobs", body)
                self.assertEqual(answer.status, status, answer.body)
                self.assertIn(detail, answer.json["detail"])
        self.assertEqual(self.s.api("GET", "/api/v1/jobs/999").status, 404)
        self.assertEqual(self.s.api("GET", "/api/v1/jobs/x").status, 404)
        job = self.job("tag", "id==nobody", tag="a")["id"]
        self.assertEqual(self.s.api("DELETE", f"/api/v1/jobs/{job}").status, 409)
        self.assertEqual(self.s.api("GET", "/api/v1/jobs?limit=1").json["items"][0]["id"], job)
        gone = self.job("tag", "group==nobody", tag="a")
        self.assertEqual(gone["state"], "failed")
        self.assertIn("there is no group", gone["detail"])

    def test_all_that_match_join_a_listed_group_and_leave_it(self):
        group = f"{self.prefix}-all"
        self.crowd(230)  # more than two batches
        self.s.api("POST", "/api/v1/groups", {"name": group})
        joined = self.job("join", group=group)
        self.assertEqual((joined["state"], joined["done"], joined["group"]), ("done", 230, group))
        self.assertEqual(self.s.api("GET", f"/api/v1/groups/{group}").json["devices"], 230)
        # It takes out what it selects by.
        self.assertEqual(self.job("leave", f"group=={group}", group=group)["done"], 230)
        self.assertEqual(self.s.api("GET", f"/api/v1/groups/{group}").json["devices"], 0)
        ruled = f"{self.prefix}-ruled"
        self.s.api("POST", "/api/v1/groups", {"name": ruled, "filter": "id==x"})
        answer = self.s.api("POST", "/api/v1/jobs", {"action": "join", "filter": "id==*", "group": ruled})
        self.assertEqual(answer.status, 409)
        self.assertIn("has a rule", answer.json["detail"])


class Command(FleetTest):
    """ota over the same fleet."""

    def text(self, *words):
        return self.s.ota(*words, "--server", self.s.url, "--ca", self.s.data / "ca.pem",
                          "--token-file", self.s.place / "token")

    def fails(self, status, detail, *words):
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            self.text(*words)
        self.assertEqual(caught.exception.returncode, status)
        self.assertIn(detail, caught.exception.stderr)

    def test_devices_are_described_tagged_pinned_and_listed(self):
        for i in range(3):
            self.s.add_device(f"cli-{i}")
        self.text("device", "set", "cli-0", "--name", "Hall", "--site", "north", "--attribute", "room=5")
        self.text("device", "tag", "lab", "--filter", "id==cli-*")
        self.text("device", "untag", "lab", "cli-2")
        listed = self.s.remote("device", "list", "--filter", "tag==lab", "--sort", "-id")
        self.assertEqual([d["id"] for d in listed], ["cli-1", "cli-0"])
        self.assertIn("Hall", self.text("device", "list", "--filter", "attribute.room==5"))
        rows = self.text("device", "list", "--filter", "id==cli-0", "--csv").splitlines()
        self.assertTrue(rows[1].startswith("cli-0,Hall,"))
        job = self.s.remote("device", "pin", "cli-0", "--reason", "shown at a fair")
        self.assertEqual((job["state"], job["done"]), ("done", 1))
        self.assertEqual(self.s.remote("job", "show", job["id"])["action"], "pin")
        self.text("device", "unpin", "--filter", "pinned==true")
        self.fails(1, "no device", "device", "tag", "lab", "nobody")
        self.fails(2, "--filter", "device", "tag", "lab")
        self.fails(3, "column 3", "device", "list", "--filter", "id=x")

    def test_groups_products_and_versions_are_shown(self):
        d = self.device()
        for one in (d, self.device("-2")):
            one.request("PUT", "/configData", {"data": {"product": "gateway", "version": "0.9"}})
        self.text("group", "create", "cli-pilot", "--about", "first")
        self.assertEqual(self.s.remote("group", "add", "cli-pilot", d.name)["devices"], 1)
        self.assertIn("cli-pilot", self.text("group", "list"))
        self.assertEqual(self.s.remote("group", "remove", "cli-pilot", d.name)["devices"], 0)
        both = f"id=={d.name}*"
        self.assertEqual(self.s.remote("group", "add", "cli-pilot", "--filter", both)["done"], 2)
        self.assertEqual(self.s.remote("group", "show", "cli-pilot")["devices"], 2)
        self.assertEqual(self.s.remote("group", "remove", "cli-pilot", "--filter", both)["done"], 2)
        self.fails(2, "either", "group", "add", "cli-pilot")
        self.fails(2, "either", "group", "add", "cli-pilot", d.name, "--filter", both)
        self.text("group", "delete", "cli-pilot")
        self.fails(1, "cli-pilot", "group", "show", "cli-pilot")
        self.text("product", "set", "gateway", "--hardware", "revA", "--support-ends", "2030-12-31")
        self.assertIn("2030-12-31", self.text("product", "list"))
        self.assertIn("0.9", self.text("fleet", "versions"))
        behind = self.s.remote("fleet", "versions", "--behind", "--most", "200")[0]
        self.assertEqual(behind["behind"], len(behind["devices"]))
        self.assertIn(d.name, [one["id"] for one in behind["devices"]])
        for one in behind["devices"]:
            self.assertEqual(one["why"], self.s.api("GET", f"/api/v1/devices/{one['id']}/why").json["text"])
        self.assertIn("more: --most", self.text("fleet", "versions", "--behind", "--most", "1"))
        self.assertEqual(self.s.remote("fleet", "versions", "--product", "none"), [])
        self.assertIn(d.name, self.text("device", "list", "--filter", behind["behind_filter"]))
