# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the limits count, as an administrator sees and clears it; and Entra's limits on resets and on messages in a short time."""

import wire
import world as w
from conftest import NEW
from test_outcomes import burn


def counters(lab):
    return {(r["scope"], r["who"], r["gate"]): r for r in lab.table("limits")}


def cleared(lab):
    return [(r["target"], r["reason"], r["actor"]) for r in lab.audit() if r["activity"] == "Admin cleared limits"]


def blocked(name, tty="/dev/tty9"):
    with wire.Dialogue(name, tty=tty) as d:
        return d.step.result == "maxtries"


def wrong(name, n, tty="/dev/tty1"):
    with wire.Dialogue(name, tty=tty) as d:
        for _ in range(n):
            d.answer("000000")


def test_nothing_is_counted_at_first(lab):
    assert lab.ctl("limits").stdout == "Nothing is counted.\n"


def test_counters_and_blocks_are_shown(lab, monica):
    wrong("monica", 2)
    wrong("noone", 1, "/dev/tty2")
    burn("jana", "/dev/tty3")
    seen = counters(lab)
    assert seen["account", "monica", "authenticator"]["count"] == "2" and seen["account", "monica", "all"]["count"] == "2"
    assert seen["account", "monica", "all"]["window-end"].startswith("20") and not seen["account", "monica", "all"]["blocked-until"]
    assert seen["account", "jana", "block"]["blocked-until"].startswith("20")
    assert seen["seat", "tty1", "all"]["count"] == "2" and seen["seat", "tty1", "users"]["count"] == "1"
    assert seen["global", "", "all"]["count"] == "8"
    names = [who for scope, who, _ in seen if scope == "account"]
    assert "noone" not in names and any(who.startswith("name:") for who in names)
    assert list(lab.table("limits")[0]) == ["scope", "who", "gate", "count", "window-end", "blocked-until"]


def test_all_pages_are_shown(lab):
    lab.use({"limits": {"seat-users": "100", "seat-failures": "100"}})
    for i in range(40):
        wrong(f"noone{i}", 1)
    rows = lab.table("limits")
    assert len([r for r in rows if r["gate"] == "all" and r["scope"] == "account"]) == 40
    assert len(rows) == len({(r["scope"], r["who"], r["gate"]) for r in rows}) == 83


def test_a_user_is_cleared(lab, monica):
    burn("monica", "/dev/tty1")
    burn("jana", "/dev/tty2")
    assert blocked("monica") and blocked("jana")
    lab.ctl("limits", "clear", "monica")
    assert not blocked("monica") and blocked("jana")
    assert cleared(lab) == [("monica", "of the user", "root")]
    assert lab.ctl("limits", "clear", "monica", check=False).returncode == 1
    assert len(cleared(lab)) == 1


def test_who_is_not_registered_is_cleared_as_shown(lab):
    burn("pavel", "/dev/tty1")
    burn("noone", "/dev/tty2")
    assert ("account", "local:1001", "block") in counters(lab)
    lab.ctl("limits", "clear", "local:1001")
    assert not blocked("pavel") and blocked("noone")
    lab.ctl("limits", "clear", "noone")
    assert not blocked("noone")


def test_C8_a_seat_is_cleared_and_its_accounts_are_not(lab, monica):
    lab.use({"limits": {"seat-failures": "6"}})
    burn("monica", "/dev/tty1")
    wrong("jana", 1)
    assert burn("locked", "/dev/tty1").result == "maxtries"
    lab.ctl("limits", "clear", "--seat", "tty1")
    assert blocked("monica")
    with wire.Dialogue("jana", tty="/dev/tty1") as d:
        assert "Step 2 of 2" in d.answer(lab.people["jana"].app()).info
    assert cleared(lab) == [("", "of the seat tty1", "root")]


def test_everything_is_cleared(lab, monica):
    burn("monica", "/dev/tty1")
    burn("noone", "/dev/tty2")
    lab.ctl("limits", "clear", "--all")
    assert lab.table("limits") == [] and not blocked("monica")
    assert cleared(lab) == [("", "of everybody", "root")]


def test_so_many_resets_block_and_success_does_not_clear_that(lab, monica):
    lab.use({"limits": {"resets": "2"}, "authentication-methods": {"methods": "recovery-code email authenticator", "required": "1"}})
    with wire.Dialogue("monica") as d:
        assert d.answer(monica.codes[0]).prompt == "New password: "
        d.cancel()
    assert not blocked("monica")
    with wire.Dialogue("monica") as d:
        assert d.answer(monica.codes[1]).prompt == "New password: "
        d.answer(NEW)
        assert d.answer(NEW).result == "done", "the last one is allowed"
    assert w.password_is("monica", NEW)
    assert blocked("monica")
    assert counters(lab)["account", "monica", "resets"]["count"] == "2"
    lab.restart("ssprd")
    assert blocked("monica")
    lab.ctl("user", "unlock", "monica")
    assert not blocked("monica")


def test_a_password_that_breaks_a_rule_is_no_other_reset(lab, monica):
    lab.use({"limits": {"resets": "2"}})
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        for _ in range(3):
            d.answer("password1")
        assert counters(lab)["account", "monica", "resets"]["count"] == "1"
        d.cancel()
    assert not blocked("monica")


def test_M2_a_burst_of_messages_blocks(lab, monica):
    lab.use({"limits": {"sends": "2", "sends-per-day": "100", "code-sends": "10"}, "authentication-methods": {"methods": "email authenticator recovery-code"}})
    with wire.Dialogue("monica") as d:
        for _ in range(2):
            d.answer("")
            step = d.answer("1")
            if not step.asks:
                break
        assert step.result == "maxtries", step
    assert blocked("monica")
    assert counters(lab)["account", "monica", "block"]["blocked-until"]
