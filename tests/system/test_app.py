# SPDX-License-Identifier: LGPL-2.1-or-later
"""The method app: a sign-in at the tenant with another device, in place of a code. Rows G2 and G3."""

import re
import threading
import time

import pytest

import pamtalk
import qr
import wire
import world as w
from conftest import NEW, OLD
from test_outcomes import activities

APP = {"authentication-methods": {"methods": "app email"}}
MENU = "1 Sign in with your phone  2 E-mail code"
DONE = "Enter when done (0: back): "


@pytest.fixture
def phone(cloud):
    """The lab with the method app first, and a tenant that wants to be asked seldom, so that nobody waits for it."""
    cloud.contoso.settings.device_code_interval = 30
    cloud.use(APP)
    return cloud


def user_code(cloud):
    return cloud.service.pending_codes()[-1].user_code


def signs_in(cloud, upn="MonicaT", **how):
    assert cloud.service.sign_in(user_code(cloud), upn, **how)


def finish(cloud, d):
    """From the second gate on."""
    assert d.step.info == "Step 2 of 2: we sent a code to your e-mail."
    assert d.answer(cloud.monica.mailed()).prompt == "New password: "
    d.answer(NEW)
    return d.answer(NEW)


def test_a_sign_in_elsewhere_is_a_proof(phone):
    with wire.Dialogue("monicat") as d:
        address = f"{phone.service.login_url}/common/oauth2/deviceauth"
        assert d.step.info == f"Step 1 of 2: on your phone, open {address}, enter {user_code(phone)} and sign in."
        assert d.step.prompt == DONE
        step = d.answer("")
        assert step.info == "You have not signed in there so far. Finish it, then press Enter here." and step.prompt == DONE
        signs_in(phone)
        d.answer("")
        assert finish(phone, d).result == "done"
    assert phone.contoso.password_is("MonicaT", NEW)


def test_it_is_noticed_while_the_screen_waits(cloud):
    cloud.contoso.settings.device_code_interval = 1
    cloud.use(APP)
    with wire.Dialogue("monicat", timeout=15) as d:
        timer = threading.Timer(1.3, signs_in, (cloud,))
        timer.start()
        start = time.monotonic()
        assert "Step 2 of 2" in d.answer("").info
        assert 1 < time.monotonic() - start < 5
        timer.join()
    [code] = cloud.service.login.codes.values()
    assert code.early == 0, "asked more often than the tenant wants"


def test_G3_another_users_sign_in_is_a_failed_proof(phone):
    with wire.Dialogue("monicat") as d:
        signs_in(phone, "NinaN")
        step = d.answer("")
        assert step.info == MENU
        assert any("other-account" in row["reason"] for row in phone.lab.audit() if row["method"] == "app")
        assert "Step 1 of 2" in d.answer("1").info, "with another code"
        signs_in(phone)
        assert "Step 2 of 2" in d.answer("").info


def test_G3_a_user_of_another_tenant_of_the_same_name_is_another(cloud):
    cloud.contoso.settings.device_code_interval = cloud.fabrikam.settings.device_code_interval = 30
    cloud.use(APP, ("contoso", "fabrikam"))
    with wire.Dialogue("MonicaT@fabrikam.lab") as d:
        code = cloud.service.login.by_user_code[user_code(cloud)]
        assert code.tenant is cloud.fabrikam, "each tenant asks its own"
        code.home, code.user, code.auth_time, code.state = cloud.contoso, cloud.contoso.user("MonicaT"), time.time(), "signed-in"
        assert "Step 2" not in d.answer("").info


@pytest.mark.parametrize("how", ["declined", "expired"])
def test_what_was_declined_or_is_over_leads_to_the_menu(cloud, how):
    cloud.contoso.settings.device_code_interval = 30
    cloud.contoso.settings.device_code_lifetime = 900 if how == "declined" else 1
    cloud.use(APP)
    with wire.Dialogue("monicat") as d:
        if how == "declined":
            signs_in(cloud, decline=True)
        else:
            signs_in(cloud)
            time.sleep(1.1)
        assert d.answer("").info == MENU
        assert "we sent a code to your e-mail" in d.answer("2").info


def road(cloud, name, tty, upn):
    """All that a screen shows until the sign-in of somebody, less the code."""
    with wire.Dialogue(name, tty=tty) as d:
        codes = [user_code(cloud)]
        d.answer("")
        signs_in(cloud, upn)
        d.answer("")
        d.answer("1")
        codes.append(user_code(cloud))
        d.answer("0")
        d.answer("")
        shown = b"\n".join(d.transcript)
    for code in codes:
        assert code.encode() in shown
        shown = shown.replace(code.encode(), b"XXXXXXXXX")
    return shown


@pytest.mark.parametrize("name, upn", [("nobody-of-that-name", "MonicaT"), ("LeeG", "LeeG"), ("AdaA", "AdaA"), ("pavel", "MonicaT"),
                                       ("root", "MonicaT")])
def test_E1_a_decoys_sign_in_looks_alike_and_never_passes(phone, name, upn):
    assert road(phone, name, "/dev/tty2", upn) == road(phone, "monicat", "/dev/tty1", "NinaN")


def test_E1_the_tenants_own_trouble_is_told_alike(phone):
    """No code to be had: the menu, for everybody."""
    phone.contoso.application.public_client = True
    phone.service.fault("POST", "/devicecode", lambda r, perform: phone.service.login.json(503, {"error": "server_error"}), times=9)
    shown = set()
    for n, name in enumerate(("monicat", "nobody-of-that-name", "LeeG")):
        with wire.Dialogue(name, tty=f"/dev/tty{n}") as d:
            assert d.step.info == MENU
            shown.add(b"\n".join(d.transcript))
    assert len(shown) == 1


def test_five_failed_sign_ins_block(phone):
    with wire.Dialogue("monicat") as d:
        for n in range(5):
            signs_in(phone, "NinaN")
            step = d.answer("")
            if n < 4:
                assert step.info == MENU
                d.answer("1")
        assert step.result == "maxtries" and "Too many tries" in step.info
    with wire.Dialogue("monicat", tty="/dev/tty2") as d:
        assert d.step.kind == wire.END and "Too many tries" in d.step.info
    assert phone.contoso.password_is("MonicaT", OLD)


def test_waiting_is_no_failure(phone):
    with wire.Dialogue("monicat") as d:
        for _ in range(8):
            assert "not signed in" in d.answer("").info
        signs_in(phone)
        assert "Step 2 of 2" in d.answer("").info


@pytest.mark.parametrize("name", ["monicat", "nobody-of-that-name"])
def test_M_codes_of_the_tenant_count_as_messages(phone, name):
    phone.contoso.settings.device_code_interval = 30
    phone.use({**APP, "limits": {"sends-per-day": "3"}})
    with wire.Dialogue(name) as d:
        for _ in range(2):
            assert d.answer("0").info == MENU
            assert "Step 1 of 2" in d.answer("1").info
        d.answer("0")
        step = d.answer("1")
        assert step.result == "maxtries" and "Too many tries" in step.info
    assert phone.service.count("/devicecode") == 3


def test_a_sign_in_alone_is_a_mistake_in_the_configuration(cloud):
    cloud.lab.stop()
    cloud.lab.configure(cloud.policy({"authentication-methods": {"methods": "app email", "required": "1"}}))
    said = cloud.lab.ctl("check", check=False)
    assert said.returncode == 1 and "methods: app needs required = 2" in said.stdout + said.stderr
    ssprd = cloud.lab.daemons["ssprd"]
    cloud.lab.listen()
    ssprd.start()
    assert w.wait_for(lambda: ssprd.exits and ssprd.exits[-1] == 78, 5), ssprd.exits


def test_without_a_tenant_it_is_a_mistake_too(lab):
    lab.configure(APP)
    said = lab.ctl("check", check=False)
    assert said.returncode == 1 and "app needs a [directory NAME] of type entra" in said.stdout + said.stderr


# -- the figure

SEATS = [("login", "/dev/tty1", True), ("login", "tty6", True), ("login", "/dev/pts/3", False), ("login", "/dev/ttyS0", False),
         ("gdm-password", "/dev/tty1", False), ("greetd", "/dev/tty7", False), ("login", "", False)]


@pytest.mark.parametrize("service, tty, drawn", SEATS)
def test_a_figure_at_the_machines_own_console_only(phone, service, tty, drawn):
    with wire.Dialogue("monicat", service=service, tty=tty) as d:
        address = re.search(r"open (\S+), enter", d.step.info).group(1)
        assert bool(d.step.figure) == drawn
        if drawn:
            assert qr.read(d.step.figure) == address
            assert len(d.step.figure.splitlines()) < 22, "25 lines, of which the dialogue needs some"
        assert not d.answer("").figure, "once is enough"


def test_a_user_program_gets_no_figure(phone):
    phone.use({**APP, "services": {"self-service": "yes"}, "properties": {"enabled": "all", "group": None}})
    with wire.Dialogue("pavel", socket_name="user", uid=1001, service="login", tty="/dev/tty1") as d:
        assert "on your phone, open" in d.step.info and not d.step.figure


def test_the_module_shows_the_figure_line_by_line(phone):
    talk = pamtalk.authenticate("login", b"monicat", [b"forgot", None], {pamtalk.PAM_TTY: b"/dev/tty1"})
    at = next(n for n, (_, text) in enumerate(talk.shown) if b"on your phone, open" in text)
    lines = []
    while talk.shown[at - 1 - len(lines)][1][:1] not in (b"P", b""):
        lines.insert(0, talk.shown[at - 1 - len(lines)])
    assert {style for style, _ in lines} == {pamtalk.INFO}
    figure = b"\n".join(text for _, text in lines).decode()
    assert qr.read(figure) == f"{phone.service.login_url}/common/oauth2/deviceauth"
    assert talk.prompts[-1] == DONE
    plain = pamtalk.authenticate("login", b"monicat", [b"forgot", None], {pamtalk.PAM_TTY: b"/dev/pts/1"})
    assert "█" not in plain.text and "on your phone, open" in plain.text
    assert ("Reset password (self-service)", "success") not in activities(phone.lab)
