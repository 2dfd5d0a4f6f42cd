# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever is stuck is told whom to ask; a console shows the helpdesk's page as a figure too."""

import fake
import pytest
import wire
from conftest import Screen

FIGURE = 40
PAGE, MAIL, PHONE = "https://help.example.org/reset", "help@example.org", "+1 555 0100"
DESK = {"customization": {"helpdesk": PAGE, "mail": MAIL, "phone": PHONE}}
LINE = f"Helpdesk: {PAGE}, {MAIL}, {PHONE}"


def figure(step):
    _, fields = wire.decode(step.raw)
    return fields.get(FIGURE, b"").decode()


def gives_up(dialogue, wrong=True):
    if wrong:
        dialogue.answer("000000")
    dialogue.answer("")
    return dialogue.answer("")


def test_who_gives_up_after_a_failure_is_told(lab, monica):
    lab.use(DESK)
    with wire.Dialogue("monica") as d:
        step = gives_up(d)
        assert step.info == f"Cancelled. Nothing was changed. {LINE}"
        lines = figure(step).splitlines()
        assert len(lines) > 10 and any("▀" in line or "█" in line for line in lines)
    with wire.Dialogue("monica") as d:
        step = gives_up(d, wrong=False)
        assert step.info == "Cancelled. Nothing was changed." and not figure(step)


@pytest.mark.parametrize("tty", ["/dev/pts/3", "/dev/ttyS0", ":0"])
def test_no_figure_where_it_may_not_show(lab, monica, tty):
    lab.use(DESK)
    with wire.Dialogue("monica", tty=tty) as d:
        step = gives_up(d)
        assert LINE in step.info and not figure(step)


def test_a_database_that_is_away_is_a_reason_to_ask(lab, monica):
    lab.use(DESK)
    lab.stop("ssprd")
    lab.daemons["ssprd"].environment["STATE_DIRECTORY"] = "/nonexistent"
    lab.start("ssprd")
    with wire.Dialogue("monica") as d:
        assert "not available" in d.step.info and LINE in d.step.info and figure(d.step)


def test_blocked(lab, monica):
    lab.use({**DESK, "limits": {"account-failures": "2"}})
    with wire.Dialogue("monica") as d:
        d.answer("000000")
        assert LINE in d.answer("000000").info
    with wire.Dialogue("monica") as d:
        assert d.step.result == "maxtries" and LINE in d.step.info and figure(d.step)


def test_the_module_shows_the_figure_of_the_last_step(lab):
    lines = "\u2588\u2580 one\n\u2584\u2580 two\n"
    message = wire.encode(wire.STEP, (wire.KIND, wire.END, 1), (FIGURE, lines), (wire.INFO, "Ask the helpdesk."), (wire.RESULT, 3, 1))
    with fake.Fake(lab.listeners["login"], fake.says(message)):
        lab.stop("ssprd")
        with Screen() as s:
            s.signs_in("monica", "forgot")
            s.sees("one\r\n.* two\r\n.*Ask the helpdesk.")
