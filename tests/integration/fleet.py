# SPDX-License-Identifier: Apache-2.0
"""A server of a whole class of tests, two releases on it, and devices named after their tests."""

import hashlib
import unittest

from .server import Server, temporary


def shared_server(case, *options):
    """One server for a class of tests; each test makes devices of its own."""
    place = temporary()
    case.addClassCleanup(place.cleanup)
    server = Server(place.name, *options).start()
    case.addClassCleanup(server.stop)
    return server


class FleetTest(unittest.TestCase):
    """Releases are published once; tests use devices named after themselves."""

    OPTIONS = ()  # more of the server's

    @classmethod
    def setUpClass(cls):
        cls.s = shared_server(cls, "--server-demo", "yes", "--device-poll-interval", "90s", *cls.OPTIONS)
        cls.s.claim()
        cls.bundle1 = cls.s.make_bundle("1.0.0")
        cls.r1 = cls.s.push(cls.bundle1)["id"]
        cls.r2 = cls.s.push(cls.s.make_bundle("2.0.0"))["id"]

    def device(self, tail=""):
        return self.s.add_device(self.id().rsplit(".", 1)[1][:100] + tail)

    def assign(self, device, release, **more):
        answer = self.s.api("POST", "/api/v1/deployments", {"device": device.name, "release": release, **more})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["id"]

    def deployment(self, action):
        return self.s.api("GET", f"/api/v1/deployments/{action}").json

    def offer(self, device):
        """deploymentBase as the poll offers it."""
        return device.follow(device.poll()["_links"]["deploymentBase"]["href"]).json

    def links(self, offer):
        return offer["deployment"]["chunks"][0]["artifacts"][0]["_links"]

    def root_hash(self, device, offer):
        """What a bootloader would have verified: the digest of the slot descriptor."""
        return hashlib.sha256(device.follow(self.links(offer)["ota:payload"]["descriptor"]).body).hexdigest()


class OwnServer(unittest.TestCase):
    """Each test has a server of its own, not started yet."""

    def setUp(self):
        place = temporary()
        self.addCleanup(place.cleanup)
        self.s = Server(place.name)
        self.addCleanup(self.s.stop)
