# SPDX-License-Identifier: Apache-2.0
"""What other clients of the hawkBit device API send, replayed: their header fields, the order of their requests,
their forms of bodies, ranges and retries, as read from their sources. SWUpdate itself runs in tests/interop."""

import hashlib
import json
import socket
import unittest

from .fleet import FleetTest
from .server import PATIENCE


class Wire:
    """One TLS connection, over which a client says exactly what is given; answers must come with a length."""

    def __init__(self, case, server):
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.socket = server.trust.wrap_socket(raw, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")
        self.host = f"127.0.0.1:{server.port}"
        self.base = server.url
        case.addCleanup(self.close)

    def close(self):
        self.file.close()
        self.socket.close()

    def head(self):
        """(status, fields in lower case)"""
        status = int(self.file.readline().split()[1])
        fields = {}
        while (line := self.file.readline().strip()) != b"":
            name, value = line.decode().split(": ", 1)
            fields[name.lower()] = value
        return status, fields

    def answer(self, method="GET"):
        status, fields = self.head()
        assert "transfer-encoding" not in fields, fields
        body = b"" if method == "HEAD" or status == 304 else self.file.read(int(fields["content-length"]))
        return status, fields, body

    def send(self, method, path, fields, body=b""):
        lines = [f"{method} {path.removeprefix(self.base)} HTTP/1.1", f"Host: {self.host}", *fields]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def ask(self, method, path, fields, body=b""):
        self.send(method, path, fields, body)
        return self.answer(method)


class Clients(FleetTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.content = bytes(i * 7 % 251 for i in range(50_000))
        cls.swu = cls.publish("5.0.0", "update.swu", "")
        cls.raucb = cls.publish("6.0.0", "bundle.raucb", "")
        cls.app = cls.publish("7.0.0", "zephyr.signed.bin", "bApp=")

    @classmethod
    def publish(cls, version, name, part):
        path, bundle = cls.s.place / name, cls.s.place / f"{version}.bundle"
        path.write_bytes(cls.content)
        cls.s.ota("bundle", "create", bundle, "--product", "gateway", "--hardware", "revA", "--version", version, "--file",
                  f"{part}{path}")
        cls.s.ota("release", "sign", bundle, "--keys", cls.s.keys, "--demo")
        return cls.s.push(bundle)["id"]

    def links(self, body):
        return json.loads(body)["_links"]

    def test_swupdate_walks_through_an_update(self):
        d = self.device()
        action = self.assign(d, self.swu, kind="forced")
        token = f"Authorization: TargetToken {d.token}"
        json_fields = [token, "User-Agent: SWUpdate/2022.12", "Accept: application/json", "Content-Type: application/json", "charsets: utf-8"]
        w = Wire(self, self.s)
        _, _, body = w.ask("GET", d.base, json_fields)
        self.assertIn("configData", self.links(body))

        # attributes: with members of its own, and it waits for 100 before it sends the body
        said = json.dumps({"id": "", "time": "20261123T190000", "status": {"result": {"finished": "success"}, "execution": "closed",
                           "details": [""]}, "data": {"board": "evk", "serialNo": "1"}}).encode()
        w.send("PUT", self.links(body)["configData"]["href"], [*json_fields, f"Content-Length: {len(said)}", "Expect: 100-continue"])
        self.assertEqual(w.head()[0], 100)
        w.socket.sendall(said)
        self.assertEqual(w.answer()[0], 200)
        _, _, body = w.ask("GET", d.base, json_fields)
        self.assertNotIn("configData", self.links(body))

        _, _, body = w.ask("GET", self.links(body)["deploymentBase"]["href"], json_fields)
        artifact = json.loads(body)["deployment"]["chunks"][0]["artifacts"][0]
        self.assertTrue(artifact["filename"].endswith(".swu"))
        download = artifact["_links"]["download"]["href"]
        feedback = f"{d.base}/deploymentBase/{action}/feedback"

        def tell(execution, finished, details):
            text = ('{"id": %s, "time": "20261123T190000", "status": {"result": {"progress": {"cnt": 1, "of": 1}, "finished": "%s"}, '
                    '"execution": "%s", "details": [%s]}}' % (action, finished, execution, details)).encode("latin-1")
            return w.ask("POST", feedback, [*json_fields, f"Content-Length: {len(text)}"], text)[0]

        self.assertEqual(tell("proceeding", "none", '"Installing Update Chunk Artifacts."'), 200)
        status, fields, whole = w.ask("GET", download, [token])
        self.assertEqual((status, whole), (200, self.content))
        status, fields, rest = w.ask("GET", download, [token, "Range: bytes=30000-"])
        self.assertEqual((status, rest), (206, self.content[30000:]))
        self.assertEqual(fields["content-range"], f"bytes 30000-{len(self.content) - 1}/{len(self.content)}")
        self.assertEqual(tell("proceeding", "none", '"a raw\nnewline", "caf\xe9"'), 200)
        for _ in range(3):  # several polls come between the installation and its restart
            self.assertIn("deploymentBase", self.links(w.ask("GET", d.base, json_fields)[2]))
        self.assertEqual(tell("closed", "success", '"Software Update finished !"'), 200)
        self.assertEqual(self.deployment(action)["state"], "confirmed")
        self.assertNotIn("deploymentBase", self.links(w.ask("GET", d.base, json_fields)[2]))

    def test_rauc_hawkbit_updater_is_not_sent_round_in_circles(self):
        d = self.device()
        action = self.assign(d, self.raucb)
        fields = [f"Authorization: TargetToken {d.token}", "User-Agent: rauc-hawkbit-c-agent/1.0", "Accept: application/json;charset=UTF-8"]
        posts = [*fields, "Content-Type: application/json;charset=UTF-8"]
        w = Wire(self, self.s)
        _, _, body = w.ask("GET", d.base, fields)
        _, _, body = w.ask("GET", self.links(body)["deploymentBase"]["href"], fields)
        chunk, = json.loads(body)["deployment"]["chunks"]
        artifact, = chunk["artifacts"]
        self.assertEqual(artifact["hashes"]["sha1"], hashlib.sha1(self.content).hexdigest())
        self.assertEqual(w.ask("GET", artifact["_links"]["download"]["href"], fields)[2], self.content)

        def tell(execution, finished, detail):
            text = json.dumps({"id": action, "time": "20261123T190000", "status": {"result": {"finished": finished, "progress":
                               {"cnt": 100, "of": 100}}, "execution": execution, "details": [detail]}}).encode()
            return w.ask("POST", f"{d.base}/deploymentBase/{action}/feedback", [*posts, f"Content-Length: {len(text)}"], text)[0]

        for line in ("Starting download.", "Download complete.", "File checksum OK.", "10% Checking bundle"):
            self.assertEqual(tell("proceeding", "none", line), 200)
        # its last report is repeated while it is answered 409 or 429; the second time it meets 410, and by then nothing is offered
        self.assertEqual(tell("closed", "success", "Software bundle installed successful."), 200)
        self.assertEqual(tell("closed", "success", "Software bundle installed successful."), 410)
        links = self.links(w.ask("GET", d.base, fields)[2])
        self.assertNotIn("deploymentBase", links)
        self.assertEqual(w.ask("GET", f"{d.base}/deploymentBase/{action}", fields)[0], 404)
        self.assertEqual(w.ask("GET", links["installedBase"]["href"], fields)[0], 200)

    def test_zephyr_walks_its_cycle_on_one_socket(self):
        d = self.device()
        action = self.assign(d, self.app)
        token = f"Authorization: TargetToken {d.token}"
        w = Wire(self, self.s)
        status, fields, body = w.ask("GET", d.base, [token])
        self.assertEqual((status, fields.get("connection", "keep-alive").lower()), (200, "keep-alive"))
        said = b'{"mode":"merge","data":{"VIN":"1234567890"}}'
        status, _, _ = w.ask("PUT", self.links(body)["configData"]["href"],
                             [token, "Content-Type: application/json", f"Content-Length: {len(said)}"], said)
        self.assertEqual(status, 200)
        _, _, body = w.ask("GET", d.base, [token])
        _, _, body = w.ask("GET", self.links(body)["deploymentBase"]["href"], [token])
        self.assertLess(len(body), 2048)  # its buffer
        chunk, = json.loads(body)["deployment"]["chunks"]
        artifact, = chunk["artifacts"]
        self.assertEqual((chunk["part"], len(artifact["hashes"]["sha256"])), ("bApp", 64))
        href = artifact["_links"]["download-http"]["href"]
        self.assertLess(len(href), 200)
        self.assertEqual(w.ask("GET", href, [token])[2], self.content)
        said = b'{"status":{"execution":"closed","result":{"finished":"success"}}}'
        status, _, _ = w.ask("POST", f"{d.base}/deploymentBase/{action}/feedback",
                             [token, "Content-Type: application/json", f"Content-Length: {len(said)}"], said)
        self.assertEqual(status, 200)  # 201 or 204 would be a failure to it
        self.assertEqual(self.deployment(action)["state"], "confirmed")

    def test_zephyr_drops_a_digit_of_no_cancel(self):
        d = self.device()
        action = self.assign(d, self.app)
        token = f"Authorization: TargetToken {d.token}"
        w = Wire(self, self.s)
        w.ask("GET", f"{d.base}/deploymentBase/{action}", [token])
        self.s.api("DELETE", f"/api/v1/deployments/{action}")
        href = self.links(w.ask("GET", d.base, [token])[2])["cancelAction"]["href"]
        self.assertRegex(href, r"/cancelAction/[1-9][0-9]{5,9}$")
        self.assertEqual(json.loads(w.ask("GET", href, [token])[2]), {"id": action, "cancelAction": {"stopId": action}})
        said = b'{"status":{"execution":"canceled","result":{"finished":"success"}}}'
        status, _, _ = w.ask("POST", href + "/feedback", [token, "Content-Type: application/json", f"Content-Length: {len(said)}"], said)
        self.assertEqual((status, self.deployment(action)["state"]), (200, "cancelled"))

    def test_hawkbit_rs_streams_and_checks(self):
        d = self.device()
        action = self.assign(d, self.swu)
        fields = [f"Authorization: TargetToken {d.token}", "accept: application/hal+json", "user-agent: hawkbit-rs"]
        w = Wire(self, self.s)
        _, head, body = w.ask("GET", d.base, fields)
        self.assertTrue(head["content-type"].startswith("application/"))
        _, _, body = w.ask("GET", self.links(body)["deploymentBase"]["href"], fields)
        artifact = json.loads(body)["deployment"]["chunks"][0]["artifacts"][0]
        status, head, whole = w.ask("GET", artifact["_links"]["download"]["href"], fields)
        self.assertEqual(int(head["content-length"]), artifact["size"])
        self.assertEqual({name: hashlib.new(name, whole).hexdigest() for name in artifact["hashes"]}, artifact["hashes"])
        said = json.dumps({"id": action, "status": {"execution": "closed", "result": {"finished": "failure"}, "details": ["no"]}}).encode()
        status, _, _ = w.ask("POST", f"{d.base}/deploymentBase/{action}/feedback",
                             [*fields, "content-type: application/json", f"content-length: {len(said)}"], said)
        self.assertEqual((status, self.deployment(action)["state"]), (200, "failed"))

    def test_a_report_without_a_result_says_no_more_than_that_it_goes_on(self):
        d = self.device()
        action = self.assign(d, self.swu)
        path = f"/deploymentBase/{action}/feedback"
        self.assertEqual(d.request("POST", path, {"status": {"execution": "proceeding"}}).status, 200)
        self.assertEqual(d.request("POST", path, {"status": {"execution": "closed"}}).status, 400)  # how, is not said
        self.assertEqual(self.deployment(action)["state"], "installing")


if __name__ == "__main__":
    unittest.main()
