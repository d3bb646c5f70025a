# SPDX-License-Identifier: Apache-2.0
"""Tenants: each with devices, releases, keys and limits of its own. What nobody sees of another: test_permissions.py."""

import hashlib
import json
import subprocess

from .fleet import OwnServer
from .server import OTA, OTA_SERVER, Device, Stream


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class Tenants(OwnServer):
    def setUp(self):
        super().setUp()
        self.s.options = ("--server-demo", "yes")
        self.s.start()

    def as_tenant(self, token):
        """A view of the same server whose api(), remote(), claim() and push() are that tenant's."""
        class View:
            def __getattr__(view, name):
                return getattr(self.s, name)
        view = View()
        view.__dict__.update(self.s.__dict__, token=token, place=self.s.place / "of-tenant")
        view.place.mkdir()
        (view.place / "token").write_text(token)
        for name in ("api", "remote", "claim", "make_bundle", "push"):
            view.__dict__[name] = getattr(type(self.s), name).__get__(view)
        remote = view.remote
        view.remote = lambda *words: remote(*words, "--tenant", "other")
        return view

    def refuse(self, bundle, tenant):
        pushed = subprocess.run([OTA, "release", "push", bundle, "--server", self.s.url, "--ca", self.s.data / "ca.pem", "--tenant",
                                 "other", "--token-file", tenant.place / "token"], capture_output=True, text=True)
        self.assertNotEqual(pushed.returncode, 0)
        self.assertIn("the server says", pushed.stderr)

    def test_each_tenant_publishes_with_keys_of_its_own_and_takes_no_others(self):
        other = self.as_tenant(self.s.add_tenant("other"))
        self.s.claim()
        other.claim()
        keys = [t.api("GET", "/api/v1/repository/keys").json["timestamp"]["public"] for t in (self.s, other)]
        self.assertNotEqual(*keys)
        stolen = self.s.make_bundle("1.0.0")
        self.s.push(stolen)
        # our keys and our online keys' root, at the other tenant: before and after it has a root of its own
        self.refuse(stolen, other)
        release = other.push(other.make_bundle("7.0.0"))
        self.refuse(stolen, other)
        self.assertEqual([r["version"] for r in other.api("GET", "/api/v1/releases").json["items"]], ["7.0.0"])
        self.assertEqual([r["version"] for r in self.s.api("GET", "/api/v1/releases").json["items"]], ["1.0.0"])
        roots = [self.s.request("GET", f"/{name}/repository/metadata/1.root.json").body for name in ("default", "OTHER")]
        self.assertNotEqual(*roots)
        self.assertEqual(self.s.request("GET", "/nobody/repository/metadata/1.root.json").status, 404)
        # a device of the other tenant gets the other tenant's release, whole
        token = other.api("POST", "/api/v1/devices", {"id": "d"}).json["token"]
        other.api("POST", "/api/v1/deployments", {"device": "d", "release": release["id"]})
        device = Device(self.s, "d", token)
        device.base = "/other/controller/v1/d"
        poll = self.s.request("GET", device.base, None, {"Authorization": f"TargetToken {token}"}).json
        offer = self.s.request("GET", poll["_links"]["deploymentBase"]["href"][len(self.s.url):], None,
                               {"Authorization": f"TargetToken {token}"}).json
        links = offer["deployment"]["chunks"][0]["artifacts"][0]["_links"]
        got = self.s.request("GET", links["ota:payload"]["body"][len(self.s.url):], None, {"Authorization": f"TargetToken {token}"})
        self.assertEqual((got.status, len(got.body)), (200, offer["deployment"]["chunks"][0]["artifacts"][0]["size"]))

    def test_a_digest_alone_opens_no_other_tenants_artifact(self):
        other = self.as_tenant(self.s.add_tenant("other"))
        data = b"what only the default tenant has" * 100
        what = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        up = self.s.api("POST", "/api/v1/uploads", what).json
        self.s.api("PUT", f"/api/v1/uploads/{up['id']}?offset=0", data)
        self.assertEqual(self.s.api("POST", f"/api/v1/uploads/{up['id']}/commit", {}).status, 200)
        self.assertEqual(self.s.api("POST", "/api/v1/uploads", what).json["offset"], len(data))
        theirs = other.api("POST", "/api/v1/uploads", what).json
        self.assertEqual(theirs["offset"], 0)
        self.assertEqual(other.api("POST", f"/api/v1/uploads/{theirs['id']}/commit", {}).status, 409)
        self.assertEqual(other.api("GET", f"/api/v1/uploads/{up['id']}").status, 404)

    def test_more_than_a_tenant_may_have_is_refused_in_a_sentence(self):
        other = self.as_tenant(self.s.add_tenant("small", max_devices=2, max_bytes=1000, max_uploads=2, max_streams=1))
        self.assertEqual([other.api("POST", "/api/v1/devices", {"id": f"d{i}"}).status for i in range(3)], [201, 201, 403])
        answer = other.api("POST", "/api/v1/devices", {"id": "d3"})
        self.assertEqual((answer.json["code"], answer.json["detail"]), ("quota", "this tenant has its 2 devices already"))
        self.assertEqual(other.api("DELETE", "/api/v1/devices/d0").status, 204)
        self.assertEqual(other.api("POST", "/api/v1/devices", {"id": "d3"}).status, 201)
        upload = lambda n, size: other.api("POST", "/api/v1/uploads", {"size": size, "sha256": f"{n:064x}"})
        self.assertEqual((upload(1, 600).status, upload(2, 600).status, upload(3, 400).status), (201, 403, 201))
        self.assertEqual(upload(4, 0).json["detail"], "this tenant has its 2 uploads in flight already")
        self.assertEqual(upload(1, 600).status, 201)  # the same one again
        stream = Stream(self.s, "/api/v1/events", bearer(other.token))
        self.addCleanup(stream.close)
        second = Stream(self.s, "/api/v1/events", bearer(other.token))
        self.addCleanup(second.close)
        self.assertEqual((stream.status, second.status), (200, 503))
        ours = Stream(self.s, "/api/v1/events", bearer(self.s.token))
        self.addCleanup(ours.close)
        self.assertEqual(ours.status, 200)
        self.assertEqual(self.s.api("PUT", "/api/v1/tenants/small", {"max_devices": None}).json["max_devices"], None)
        self.assertEqual(other.api("POST", "/api/v1/devices", {"id": "d4"}).status, 201)

    def test_a_tenant_is_made_beside_the_running_server_and_found_again_after_a_restart(self):
        run = lambda *words: subprocess.run([OTA_SERVER, "admin", *words, "--server-data-dir", self.s.data], capture_output=True, text=True)
        self.assertEqual(run("tenant-add", "beside").returncode, 0)
        self.assertIn("already", run("tenant-add", "beside").stderr)
        for wrong in ("Upper", "api", "", "a" * 33, "a/b", "1st"):
            self.assertNotEqual(run("tenant-add", wrong).returncode, 0, wrong)
        token = json.loads(run("reset", "--tenant", "beside", "--json").stdout)["token"]
        self.assertIn("no tenant", run("reset", "--tenant", "nowhere").stderr)
        ready = lambda: self.s.request("GET", "/api/v1/repository/keys", headers=bearer(token))
        while (answer := ready()).status == 503:
            self.assertIn("being set up", answer.json["detail"])
            self.assertIn("Retry-After", answer.headers)
        public = answer.json["timestamp"]["public"]
        self.s.stop()
        self.s.start()
        self.assertEqual(ready().json["timestamp"]["public"], public)
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers=bearer(token)).json["tenant"], "beside")

    def test_users_of_one_name_in_two_tenants_are_two(self):
        token = self.s.add_tenant("other")
        for fields, password in ((bearer(self.s.token), "the password of ours"), (bearer(token), "the password of theirs")):
            body = {"name": "same", "password": password, "role": "viewer"}
            self.assertEqual(self.s.request("POST", "/api/v1/users", body, fields).status, 201)
        login = lambda **more: self.s.request("POST", "/api/v1/session", {"user": "same", **more})
        self.assertEqual(login(password="the password of theirs").status, 401)
        self.assertEqual(login(password="the password of ours", tenant="other").status, 401)
        self.assertEqual(login(password="the password of ours", tenant="nowhere").status, 401)
        answer = login(password="the password of theirs", tenant="Other")
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.assertEqual(self.s.request("GET", "/api/v1/session", headers={"Cookie": cookie}).json["tenant"], "other")
