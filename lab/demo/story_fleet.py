# SPDX-License-Identifier: Apache-2.0
"""The story's scenes with many devices: a rollout that goes well, and one that stops itself."""

from ..device import PATIENCE
from .fleet import BAD, GOOD, PRODUCTS, Rollout, bring_up_fleet
from .steps import expect


def versions(server, product):
    """{version: devices} of a product, as the server counts them."""
    rows = [r for r in server.call("GET", "/api/v1/versions")["items"] if r["product"] == product]
    return {version: sum(r["devices"] for r in rows if r["version"] == version) for version in {r["version"] for r in rows}}


def counts(rollout, state):
    return sum(wave["counts"][state] for wave in rollout["waves"])


def waves_in_turn(rollout):
    """Each wave began when the one before it had passed, and not before."""
    waves = rollout["waves"]
    for before, after in zip(waves, waves[1:]):
        expect(before["state"] == "passed", f"wave {before['wave']} is {before['state']}")
        expect(before["passed_at"] <= after["started_at"], f"wave {after['wave']} began before wave {before['wave']} had passed")


def scene_rollout(story):
    server, n = story.server, PRODUCTS["meter"][0]
    before = versions(server, "meter")
    expect(len(before) > 1 and "1.5.0" not in before, f"before: {before}")
    done = Rollout(server, GOOD).begin().until("finished", "paused", "stopped", seconds=2 * PATIENCE)
    expect(done["state"] == "finished", f"{done['state']}: {done['detail']}")
    waves_in_turn(done)
    expect(counts(done, "reported") == n, f"{counts(done, 'reported')} of {n} succeeded")
    after = versions(server, "meter")
    expect(after == {"1.5.0": n}, f"after: {after}")
    return f"{n} of {n} on 1.5.0, {len(done['waves'])} waves in turn"


def scene_bad_rollout(story):
    server, n = story.server, PRODUCTS["wallbox"][0]
    bad = Rollout(server, BAD).begin()
    stopped = bad.until("paused", "finished", "stopped", seconds=2 * PATIENCE)
    expect(stopped["state"] == "paused" and stopped["reason"] == "health-gate", f"{stopped['state']}, {stopped['reason']}: {stopped['detail']}")
    first, second = stopped["waves"]
    expect(second["counts"]["waiting"] == second["counts"]["members"], "a device of wave 2 was offered it")
    expect(first["counts"]["waiting"] > 0, "every device of wave 1 was offered it")
    # Who is at it still may end at it later: the roll back takes them in as they do.
    back = bad.roll_back().until("finished", "paused", "stopped", seconds=2 * PATIENCE)
    expect(back["state"] == "finished", f"the roll back is {back['state']}: {back['detail']}")
    after = versions(server, "wallbox")
    expect(after == {"5.0.0": n}, f"after: {after}")
    expect(bad.now()["state"] == "stopped", f"the bad rollout is {bad.now()['state']}")
    stopped = bad.now()
    failed = counts(stopped, "failed") + counts(stopped, "rolled-back")
    expect(failed > 0, "nobody failed")
    offered = n - counts(stopped, "waiting")
    return f"stopped at {offered} of {n} ({failed} failed), all {n} back on 5.0.0"


def bring_up_virtual(story):
    bring_up_fleet(story.fleet, story.publisher, "--every", "500ms", "--pace", "100ms")
