# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever takes its time: lost answers that are looked for, servers that dawdle, people who sign in: F22-F29, M5, W9, W12.

Every story has a user of its own, and all are played at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import cloud
import faults
import mailserver as m
import worker as w
from cloud import GOOD, boot_ms
from tenant import OLD, iso, sample
from transport import Answer

HTML = {"Content-Type": "text/html; charset=utf-8"}
STORIES = {}


def story(f):
    STORIES[f.__name__] = f
    return f


class Stage(cloud.Lab):
    """One tenant for writes and look-ups, and one each for whatever strikes all users of a tenant."""

    def __init__(self, folder):
        super().__init__(folder)
        names = ("contoso", "dripping", "patient", "waiting", "hasty")
        for name in names[1:]:
            self.service.tenants.append(sample(name.title(), f"{name}.lab", certificate=False))
        self.tenants = dict(zip(names, self.service.tenants))
        self.writer = self.start()
        self.other = self.start(directories={name: self.directory(self.tenants[name]) for name in names[1:]}, credentials={})
        for name in names[1:]:
            self.other.hand_over(name, secret=self.tenants[name].application.secret)

    def user(self, name):
        user = self.tenant.add_user(name, OLD)
        self.tenant.add_member(self.tenant.group("SSPRTesters"), user)
        return user


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("slow"))
    with ThreadPoolExecutor(len(STORIES)) as pool:
        yield {name: pool.submit(f, stage) for name, f in STORIES.items()}
    stage.judge_logs()
    assert not stage.service.errors, stage.service.errors[0]
    stage.stop()


@pytest.mark.parametrize("name", STORIES)
def test_slow(stories, name):
    stories[name].result()


# -- a write whose answer was lost


class Write:
    """A reset of a user of its own: what the PATCH meets, and what the readings of the mark meet that follow."""

    def __init__(self, stage, name, act, reading=None, until=None):
        self.user = user = stage.user(name)
        self.before = stage.writer.lookup(name)
        assert self.before.said == ("done", "none"), self.before.detail
        stage.service.fault("PATCH", user.id, act)
        if reading:
            stage.service.fault("GET", self.mark_of(user), reading, times=9)
        start = time.monotonic()
        self.answer = stage.writer.reset(self.before, until=until)
        self.took = time.monotonic() - start
        self.patches = stage.service.count(user.id, "PATCH")
        self.readings = stage.service.find(self.mark_of(user), "GET", within=False)
        self.changed = user.password == GOOD

    @staticmethod
    def mark_of(user):
        return f"{user.id}.*=id,lastPasswordChangeDateTime$"

    def ends(self, *said, changed):
        assert self.answer.said == said and self.changed == changed, (self.answer, self.answer.detail, self.changed)
        assert self.patches == 1
        return self


def refused_after_two_readings(stage, name, act):
    done = Write(stage, name, act).ends("refused", "broken", changed=False)
    first, second = (r.time for r in done.readings)
    assert 4.8 < second - first < 6


@story
def F26_cut_before(stage):
    refused_after_two_readings(stage, "cut", faults.cut("before"))


@story
def F24_500_that_did_nothing(stage):
    refused_after_two_readings(stage, "e500", faults.status(500))


@story
def F24_502_that_did_nothing(stage):
    refused_after_two_readings(stage, "e502", faults.answer(502, "<html>Bad Gateway</html>", HTML))


@story
def F24_503_without_a_time_that_did_nothing(stage):
    refused_after_two_readings(stage, "e503", faults.status(503))


@story
def F28_portal(stage):
    refused_after_two_readings(stage, "portal", faults.portal())


@story
def F28_redirect(stage):
    refused_after_two_readings(stage, "redirect", faults.redirect(stage.service.login_url, 307))


@story
def F28_another_good_status_is_not_the_one(stage):
    refused_after_two_readings(stage, "s200", faults.answer(200, "{}", {"Content-Type": "application/json"}))


@story
def F28_accepted_is_not_done(stage):
    refused_after_two_readings(stage, "s202", faults.answer(202))


@story
def F22_404_of_something_between(stage):
    refused_after_two_readings(stage, "e404", faults.answer(404, "<html>Not found</html>", HTML))


@story
def F24_504_may_still_take_effect(stage):
    Write(stage, "e504", faults.status(504)).ends("unknown", "broken", changed=False)


def lost(stage, name, seconds, mark=None, effect=False):
    """The answer is lost, and for a while the directory shows that mark, or the one from before."""
    def act(r, perform):
        user = stage.tenant.user(name)
        shown = mark or user.lastPasswordChangeDateTime
        if effect:
            perform()
        user.before = (shown, time.time() + seconds)
        return faults.cut("before")(r, perform)

    return act


@story
def F26_mark_that_lags(stage):
    done = Write(stage, "lag", lost(stage, "lag", 3, effect=True)).ends("done", "none", changed=True)
    assert len(done.readings) == 2 and done.answer.mark == done.user.lastPasswordChangeDateTime


@story
def W9_mark_from_a_server_that_is_behind(stage):
    """An earlier mark than before is no change."""
    Write(stage, "behind", lost(stage, "behind", 60, iso(time.time() - 9 * 86400))).ends("unknown", "broken", changed=False)


@story
def W9_no_mark_any_more(stage):
    unreadable(stage, "nomark", faults.other_body(lambda body: body.replace(b'"20', b'null,"x":"20')))


def unreadable(stage, name, reading):
    done = Write(stage, name, faults.cut("before"), reading).ends("unknown", "broken", changed=False)
    assert len(done.readings) == 2


@story
def F26_readings_that_fail(stage):
    unreadable(stage, "read500", faults.status(500))


@story
def F26_readings_that_are_denied(stage):
    unreadable(stage, "read403", faults.status(403))


@story
def W9_readings_of_an_empty_object(stage):
    unreadable(stage, "readempty", faults.wrong_json({}))


@story
def W9_readings_of_a_list(stage):
    unreadable(stage, "readlist", faults.wrong_json([]))


@story
def W9_readings_without_a_body(stage):
    unreadable(stage, "readnothing", faults.answer(200))


@story
def W9_readings_of_another_user(stage):
    unreadable(stage, "readother", faults.wrong_json({"id": stage.tenant.user("LeeG").id, "lastPasswordChangeDateTime": iso(time.time())}))


@story
def F26_first_reading_fails_the_second_tells(stage):
    def once(r, perform):
        return faults.status(500)(r, perform) if stage.service.count(r.path.split("?")[0], "GET", within=False) == 1 else perform()

    done = Write(stage, "second", faults.cut("after"), once).ends("done", "none", changed=True)
    assert len(done.readings) == 2


@story
def F26_readings_that_drip(stage):
    done = Write(stage, "readdrip", faults.cut("after"), faults.drip()).ends("unknown", "broken", changed=True)
    assert done.took < 20


# -- a write that dawdles: it is never told as "unchanged" while a server may still be at it


@story
def F26_write_that_takes_effect_after_all_readings(stage):
    done = Write(stage, "late", faults.slow(23)).ends("unknown", "broken", changed=False)
    assert w.wait_for(lambda: done.user.password == GOOD, 10)


@story
def F26_write_that_takes_effect_between_the_readings(stage):
    Write(stage, "between", faults.slow(17)).ends("done", "none", changed=True)


@story
def F26_answer_that_drips(stage):
    def act(r, perform):
        perform()
        return Answer(200, b"{}", {"Content-Type": "application/json"}, how="drip")

    done = Write(stage, "drip", act).ends("done", "none", changed=True)
    assert done.took > 14


@story
def F26_write_that_is_still_under_way_at_its_last_moment(stage):
    user = stage.user("until")
    found = stage.writer.lookup("until")
    stage.service.fault("PATCH", user.id, faults.slow(3))
    answer = stage.writer.reset(found, until=boot_ms() + 1500)
    assert answer is None or answer.outcome == "unknown", answer
    assert user.password == OLD and w.wait_for(lambda: user.password == GOOD, 5)


# -- look-ups and tokens


def slow_look_up(stage, name, act):
    stage.user(name)
    stage.service.fault("GET", f"/users/{name}%40", act)
    start = time.monotonic()
    answer = stage.writer.lookup(name)
    assert answer.said == ("refused", "unreachable") and 8 < time.monotonic() - start < 11, answer
    assert stage.writer.lookup(name).said == ("done", "none"), "the next one is served"


@story
def M5_look_up_that_drips(stage):
    slow_look_up(stage, "lookdrip", faults.drip())


@story
def M5_look_up_that_takes_too_long(stage):
    slow_look_up(stage, "lookslow", faults.slow(12))


@story
def F29_token_that_drips(stage):
    stage.service.fault("POST", stage.tenants["dripping"].id, faults.drip(), host="login")
    start = time.monotonic()
    answer = stage.other.lookup("MonicaT", directory="dripping")
    assert answer.said == ("refused", "unreachable") and time.monotonic() - start < 17, answer
    assert "token endpoint" in answer.detail
    time.sleep(2.1)
    assert stage.other.lookup("MonicaT", directory="dripping").said == ("done", "none")


@story
def W12_host_that_says_nothing(stage):
    silent = m.Hanging()
    net = stage.start(login=f"login.lab:{silent.port}")
    start = time.monotonic()
    assert net.lookup("MonicaT").said == ("refused", "unreachable") and 4.5 < time.monotonic() - start < 7
    assert silent.connections == 1
    silent.stop()


# -- people who sign in with another device


def begin(stage, name, interval):
    tenant = stage.tenants[name]
    tenant.settings.device_code_interval = interval
    user = tenant.user("MonicaT")
    found = w.Answer(w.encode(17, (17, b"\x01"), (18, b"\0"), (19, name), (20, user.id), (21, user.userPrincipalName), (22, "")))
    answer = stage.other.approval(found, name)
    assert answer.said == ("done", "none"), answer.detail
    return found, answer, stage.service.login.by_user_code[answer.code]


def approve(stage, name, found, answer):
    start = time.monotonic()
    return stage.other.approve(found, answer.ticket, directory=name), time.monotonic() - start


@story
def approval_is_waited_for_with_the_servers_interval(stage):
    found, answer, code = begin(stage, "patient", 2)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(approve, stage, "patient", found, answer)
        time.sleep(2.5)
        assert stage.service.sign_in(answer.code, "MonicaT")
        said, took = later.result()
    assert said.said == ("done", "none"), said.detail
    assert 3.8 < took < 5.5 and code.polls == 3 and code.early == 0


@story
def approval_that_nobody_gives(stage):
    found, answer, code = begin(stage, "waiting", 3)
    said, took = approve(stage, "waiting", found, answer)
    assert said.said == ("refused", "pending")
    assert 8.5 < took < 10.5 and code.polls == 4 and code.early == 0


@story
def approval_slow_down_adds_five_seconds(stage):
    found, answer, code = begin(stage, "hasty", 1)
    slow_down = {"error": "slow_down", "error_codes": [70016], "error_description": "AADSTS70016"}
    stage.service.fault("POST", f"{stage.tenants['hasty'].id}/oauth2/v2.0/token", faults.status(400, body=slow_down), host="login")
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(approve, stage, "hasty", found, answer)
        time.sleep(0.5)
        assert stage.service.sign_in(answer.code, "MonicaT")
        said, took = later.result()
    assert said.said == ("done", "none"), said.detail
    assert 5.8 < took < 8 and code.polls == 1
