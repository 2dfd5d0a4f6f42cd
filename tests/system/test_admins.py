# SPDX-License-Identifier: LGPL-2.1-or-later
"""Those whom the policy names as admins: always two gates, and their resets are told to the others."""

import time

import wire
import world as w
from conftest import NEW

ONE = {"authentication-methods": {"required": "1", "admins": "monica boss@contoso.com"}}
OTHERS = ["ops@lab", "security@lab"]
TELL = {**ONE, "notifications": {"notify-admins": "yes", "admin-addresses": " ".join(OTHERS)}}


def admin_mails():
    return sorted(m["X-To"] for m in w.mails() if "administrator's password was reset" in m["Subject"])


def reset_with_one(person):
    with wire.Dialogue(person.name) as d:
        assert "Reset your password: code from" in d.step.info
        assert d.answer(person.app()).prompt == "New password: "
        d.answer(NEW)
        assert d.answer(NEW).result == "done"


def test_two_gates_where_others_have_one(lab, monica):
    lab.use(ONE)
    lab.reset("monica")
    reset_with_one(lab.people["jana"])


def test_an_admin_with_one_proof_cannot_reset(lab, monica):
    lab.use({**ONE, "privacy": {"hide-account-state": "no"}})
    assert any("as for every administrator" in r["text"] and r["level"] == "ok" for r in lab.table("user", "check", "monica"))
    lab.ctl("user", "remove", "monica")
    lab.ctl("user", "add", "monica")
    lab.enrol_email("monica", "monica@lab")
    lab.ctl("user", "remove", "jana")
    lab.ctl("user", "add", "jana")
    lab.enrol_email("jana", "jana@lab")
    with wire.Dialogue("monica") as d:
        assert "not registered" in d.step.info
    with wire.Dialogue("jana") as d:
        assert d.step.asks


def test_all_admins_hear_of_it_once_each(lab, monica):
    lab.use(TELL)
    lab.reset("monica")
    assert w.wait_for(lambda: admin_mails() == OTHERS)
    (first, _) = [m for m in w.mails() if "administrator's password" in m["Subject"]]
    assert "The password of monica was reset at the login screen of lab" in first.get_content()
    assert w.wait_for(lambda: [m for m in monica.mails() if "Your password was reset" in m["Subject"]])
    reset_with_one(lab.people["jana"])
    assert w.wait_for(lambda: [m for m in lab.people["jana"].mails() if "was reset" in m["Subject"]])
    lab.restart("ssprd")
    time.sleep(0.5)
    assert admin_mails() == OTHERS


def test_F7_they_hear_of_it_after_a_crash(lab, monica):
    lab.use(TELL)
    code = None
    with wire.Dialogue("monica") as d:
        d.answer(monica.app())
        code = monica.mailed()
        assert d.answer(code).prompt == "New password: "
        lab.stop_mail()
        d.answer(NEW)
        assert d.answer(NEW).result == "done"
    lab.daemons["ssprd"].crash()
    lab.start_mail()
    lab.restart("ssprd")
    assert w.wait_for(lambda: admin_mails() == OTHERS, 10)
    time.sleep(0.5)
    assert admin_mails() == OTHERS
    assert len([m for m in monica.mails() if "Your password was reset" in m["Subject"]]) == 1


def test_nobody_hears_of_it_by_default(lab, monica):
    lab.use(ONE)
    lab.reset("monica")
    assert w.wait_for(lambda: [m for m in monica.mails() if "was reset" in m["Subject"]])
    assert admin_mails() == []
