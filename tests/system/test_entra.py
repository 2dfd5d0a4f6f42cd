# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users of a tenant at the login prompt: the story, who is whom, and what a stranger learns. What befalls a write: test_entra_write.py."""

import json
import os
import re
import statistics
import time

import pytest

import entra
import wire
import world as w
from conftest import NEW, OLD, Screen, signs_in
from entra import faults
from test_enumeration import MANY, wrong_to_the_end
from test_outcomes import RESET_DONE, burn, notices

# Every account of Contoso that cannot be reset, and why.
DECOYS = {
    "nobody-of-that-name": "no-account",
    "LeeG": "not-in-scope",
    "guest_lab#EXT#@contoso.onmicrosoft.lab": "protected",
    "DianaD": "locked",
    "SamS": "synced",
    "FeliX@fed.lab": "federated",
    "AdaA": "protected",
    "PimP": "protected",
    "RolandR": "protected",
}
# All of them have these two, so that what keeps them out is not that they have nothing.
HAVE_ALL = {"authentication-methods": {"methods": "email app"}}
# Of a directory, and never to be seen at the prompt.
RAW = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-|AADSTS|request-id|Graph|HTTP|Request_|\b[2345][0-9]{2}\b", re.I)


def code_mails(lab, address):
    return [m for m in w.mails() if address in m["X-To"] and w.mail_code(m)]


def reasons(lab):
    return [row["reason"] for row in lab.audit()]


# -- the story

GRANT = "/usr/share/pam-configs/grant"
SCRIPT = f"{w.HOME}/grant"
PROFILE = f"""Name: The tenant's own word for a password
Default: yes
Priority: 128
Auth-Type: Primary
Auth:
	[success=end default=ignore]	pam_exec.so quiet expose_authtok {SCRIPT}
"""


@pytest.fixture
def known(cloud):
    """login(1) knows monicat by another service than /etc/passwd, and asks the tenant for her password."""
    os.makedirs("/etc/userdb", exist_ok=True)
    w.write("/etc/userdb/monicat.user", json.dumps({"userName": "monicat", "uid": 5100, "gid": 5100, "homeDirectory": "/tmp",
                                                    "shell": "/bin/bash", "disposition": "regular"}))
    w.write("/etc/userdb/monicat.group", json.dumps({"groupName": "monicat", "gid": 5100, "disposition": "regular"}))
    for kind in ("user", "group"):
        os.symlink(f"monicat.{kind}", f"/etc/userdb/5100.{kind}")
    w.write(SCRIPT, f"""#!/bin/sh
tr -d '\\000' | curl -sf -o /dev/null --cacert {entra.CA} -d grant_type=password -d scope=openid \\
	-d client_id={cloud.contoso.application.appId} -d "username=$PAM_USER@{cloud.contoso.domain}" --data-urlencode password@- \\
	{cloud.service.login_url}/{cloud.contoso.id}/oauth2/v2.0/token
""", 0o755)
    w.write(GRANT, PROFILE)
    w.run("pam-auth-update", "--package", "--force")
    yield
    os.unlink(GRANT)
    w.run("pam-auth-update", "--package", "--force")
    for name in ("monicat.user", "monicat.group", "5100.user", "5100.group"):
        os.unlink(f"/etc/userdb/{name}")


def test_forgotten_password_of_a_tenant_is_reset_and_signs_in(cloud, known):
    assert signs_in("monicat", OLD) and "monicat" not in w.read("/etc/passwd")
    before = w.read("/etc/shadow")
    with Screen() as s:
        s.signs_in("monicat", "forgot")
        s.sees("Reset your password. Step 1 of 2: code from your authenticator app.")
        s.sees("Code: ")
        s.types(cloud.monica.app())
        s.sees("Step 2 of 2: we sent a code to your e-mail.")
        s.sees("Code: ")
        s.types(cloud.monica.mailed())
        s.sees("Choose a new password: at least 8 characters, 3 of: .*no accents.")
        s.sees("New password: ")
        s.types(NEW)
        s.sees("New password again: ")
        s.types(NEW)
        s.sees("Your password is being changed. Please wait.")
        s.sees("Password changed. Sign in with your new password; it can take a minute until it works.")
        s.sees("login: ")
    assert cloud.contoso.password_is("MonicaT", NEW) and not cloud.contoso.user("MonicaT").must_change
    assert not signs_in("monicat", OLD)
    assert signs_in("monicat", NEW)
    assert w.read("/etc/shadow") == before


def test_a_name_that_this_machine_does_not_know_can_be_reset(cloud):
    with Screen() as s:
        s.signs_in("MonicaT@contoso.lab", "forgot")
        s.sees("Step 1 of 2")
        s.sees("Code: ")
        s.types(cloud.monica.codes[0])
        s.sees("That code is not right")


def test_reset_signs_out_everywhere_and_is_told_by_mail(cloud):
    assert cloud.reset().result == "done"
    assert w.wait_for(lambda: notices(cloud.monica), 5)
    assert cloud.contoso.revoked == ["MonicaT@contoso.lab"]
    assert cloud.writes() == 1


def test_F7_the_notice_is_sent_once_after_a_restart_too(cloud):
    with wire.Dialogue("monicat") as d:
        cloud.lab.gates(d, cloud.monica)
        d.answer(NEW)
        cloud.lab.stop_mail()
        assert d.answer(NEW).result == "done"
    time.sleep(0.5)
    assert not notices(cloud.monica)
    cloud.lab.start_mail()
    cloud.lab.daemons["ssprd"].crash()
    assert w.wait_for(lambda: notices(cloud.monica), 5)
    cloud.lab.daemons["ssprd"].crash()
    time.sleep(1)
    assert len(notices(cloud.monica)) == 1


def test_audit_has_the_ids_that_microsoft_asks_for(cloud):
    with wire.Dialogue("monicat") as d:
        assert cloud.lab.gates(d, cloud.monica, NEW).result == "done"
        assert not RAW.search(b"\n".join(d.transcript))
    [patch] = cloud.service.find("/users/", "PATCH")
    [told] = [row for row in cloud.lab.audit() if row["activity"] == RESET_DONE[0]]
    assert f"(request-id {patch.id}, client-request-id {patch.headers['client-request-id']})" in told["reason"]
    assert told["account"] == f"contoso:{cloud.contoso.user('MonicaT').id}" and told["target"] == "MonicaT@contoso.lab"


def test_M1_a_code_goes_where_entra_has_it_registered(cloud):
    cloud.contoso.user("MonicaT").email = "elsewhere@lab"
    with wire.Dialogue("monicat") as d:
        cloud.lab.choose(d, 2)
        assert w.wait_for(lambda: code_mails(cloud.lab, "elsewhere@lab"), 5)
    assert len(w.mails()) == 1


def test_M1_the_code_goes_to_our_own_address_where_one_is_registered_and_the_notice_to_all(cloud):
    cloud.lab.enrol_email("MonicaT@contoso.lab", "ours@lab")
    person = cloud.monica
    person.address = "ours@lab"
    try:
        assert cloud.reset().result == "done"
        assert w.wait_for(lambda: notices(person), 5)
        assert {m["X-To"] for m in code_mails(cloud.lab, "ours@lab")} == {"ours@lab"} and not code_mails(cloud.lab, "monica@lab")
    finally:
        person.address = "monica@lab"
    assert w.wait_for(lambda: notices(person), 5)


def test_M1_addresses_of_the_profile_are_nobodys_proof(cloud):
    """Administrators and synchronisation may change them."""
    user = cloud.contoso.user("MonicaT")
    user.email, user.mail, user.otherMails = None, "profile@lab", ["profile@lab"]
    with wire.Dialogue("monicat") as d:
        cloud.lab.choose(d, 2)
        time.sleep(0.5)
    assert not w.mails()
    cloud.use({"directory contoso": {"contacts": "profile"}})
    with wire.Dialogue("monicat") as d:
        cloud.lab.choose(d, 2)
        assert w.wait_for(lambda: code_mails(cloud.lab, "profile@lab"), 5)


def test_local_accounts_are_reset_as_before(cloud):
    cloud.use({"properties": {"enabled": "all", "group": None}})
    monica = cloud.lab.people["monica"]
    monica.reset()
    assert cloud.lab.reset("monica").result == "done"
    assert w.password_is("monica", NEW) and cloud.writes() == 0
    assert cloud.reset().result == "done" and cloud.writes() == 1


def test_a_scope_group_of_the_tenant_alone(cloud):
    """Who is in it may reset, and no local account."""
    assert "SSPRTesters" not in w.read("/etc/group")
    assert cloud.reset().result == "done"
    cloud.lab.people["monica"].reset()
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert "not right" in d.answer(cloud.lab.people["monica"].app()).info
    assert any("not-in-scope" in reason for reason in reasons(cloud.lab))


def test_a_nested_member_of_the_scope_group_is_in_it(cloud):
    cloud.use(HAVE_ALL)
    with wire.Dialogue("ninan"):
        assert w.wait_for(lambda: code_mails(cloud.lab, "nina@lab"), 5)


# -- decoys


@pytest.mark.parametrize("name", [*DECOYS, "NinaN"])
def test_E1_same_screen_for_every_account(cloud, name):
    """NinaN could be reset, but has registered one method only."""
    known = wrong_to_the_end("MonicaT", "/dev/tty1")
    assert wrong_to_the_end(name, "/dev/tty2") == known
    assert wrong_to_the_end(name, "/dev/tty3") == wrong_to_the_end("MonicaT", "/dev/tty4"), "blocked"


@pytest.mark.parametrize("name", DECOYS)
def test_A3_W10_no_proof_opens_a_decoy(cloud, name):
    cloud.use(HAVE_ALL)
    with wire.Dialogue(name) as d:
        d.answer("12345678")
    assert any(reason.endswith(f": {DECOYS[name]}") for reason in reasons(cloud.lab)), reasons(cloud.lab)
    with wire.Dialogue("MonicaT", tty="/dev/tty2"):  # which could
        assert w.wait_for(w.mails, 5)
    assert [m["X-To"] for m in w.mails()] == ["monica@lab"]


def test_E1_same_time_for_every_account(cloud):
    cloud.use(MANY)

    def one(name, tty):
        start = time.monotonic()
        with wire.Dialogue(name, tty=tty) as d:
            d.answer("000000")
        return (time.monotonic() - start) * 1000

    names = ["MonicaT", *DECOYS]
    times = {name: [] for name in names}
    for i in range(25):
        for name in names:
            times[name].append(one(name, f"/dev/tty{i}"))
    medians = {name: statistics.median(t) for name, t in times.items()}
    assert max(medians.values()) - min(medians.values()) < 20, medians


TRUTHS = {**dict.fromkeys(DECOYS, "cannot be reset here"), "SamS": "managed elsewhere in your organisation",
          "FeliX@fed.lab": "managed elsewhere in your organisation", "NinaN": "not registered for password reset"}


def test_the_truth_when_the_policy_says_so(cloud):
    cloud.use({"privacy": {"hide-account-state": "no"}})
    for name, truth in TRUTHS.items():
        with wire.Dialogue(name) as d:
            assert d.step.kind == wire.END and truth in d.step.text, (name, d.step)
            assert not RAW.search(b"\n".join(d.transcript))


SPELLINGS = ["{0}", "{1}@contoso.lab", "{2}@CONTOSO.LAB"]


@pytest.mark.parametrize("name", ["monicat", "leeg", "bob"])
def test_C7_all_spellings_of_a_name_share_one_limit(cloud, name):
    """Also of one that cannot be reset, and of one that nobody has."""
    spellings = [s.format(name, name.title(), name.upper()) for s in SPELLINGS]
    for first in spellings:
        cloud.back()
        cloud.lab.start_mail()
        cloud.lab.start()
        assert "Too many tries" in burn(first, "/dev/tty1").text
        for n, other in enumerate(spellings):
            with wire.Dialogue(other, tty=f"/dev/tty{n + 2}") as d:
                assert d.step.kind == wire.END and "Too many tries" in d.step.text, (first, other)
    with wire.Dialogue("somebody-else", tty="/dev/tty9") as d:
        assert d.step.asks


@pytest.mark.parametrize("name", ["monicat", "bob"])
def test_C7_a_code_that_was_sent_is_taken_up_by_another_spelling(cloud, name):
    cloud.use({"authentication-methods": {"methods": "email authenticator recovery-code"}})
    wire.Dialogue(name, tty="/dev/tty1").close()
    time.sleep(0.3)
    with wire.Dialogue(f"{name.upper()}@Contoso.lab", tty="/dev/tty1") as d:
        assert d.step.info.startswith("Enter the code sent at")
    assert len(w.mails()) == (name == "monicat")


@pytest.mark.parametrize("name", ["NinaN", "LeeG"])
def test_who_has_registered_nothing_here_can_be_unlocked(cloud, name):
    cloud.use(HAVE_ALL)
    assert "Too many tries" in burn(name, "/dev/tty1").text
    cloud.lab.ctl("user", "unlock", name.lower())
    with wire.Dialogue(name, tty="/dev/tty2") as d:
        assert d.step.asks
    said = cloud.lab.ctl("user", "unlock", "nobody-of-that-name", check=False)
    assert said.returncode == 1 and "no-account" in said.stderr


def test_a_program_of_a_user_resets_nobody_of_a_tenant(cloud):
    """Which local user is whose account there is nowhere to be known."""
    cloud.use({"services": {"self-service": "yes"}})
    with wire.Dialogue("monicat", socket_name="user", uid=1001) as d:
        assert "not right" in d.answer(cloud.monica.app()).info


def test_E1_an_answer_about_a_user_that_makes_no_sense_tells_nothing(cloud):
    """A refusal of this one, not trouble of everybody."""
    cloud.service.fault("GET", "/domains/", faults.other_body(lambda _: b'{"authenticationType": "of tomorrow"}'), times=1000)
    assert wrong_to_the_end("monicat", "/dev/tty1") == wrong_to_the_end("nobody-of-that-name", "/dev/tty2")
    assert any(": broken" in reason for reason in reasons(cloud.lab))


# -- several directories


def ambiguous(cloud, name, *codes):
    """That the name is refused, with codes that would be right for either account."""
    with wire.Dialogue(name, tty="/dev/tty7") as d:
        assert "not right" in d.answer(cloud.monica.app()).info
        cloud.lab.choose(d, 3)
        for code in codes:
            assert "not right" in d.answer(code).info
    return any(reason.endswith(": ambiguous") for reason in reasons(cloud.lab))


@pytest.mark.parametrize("kind", ["local", "none"])
def test_A6_a_name_of_this_machine_and_of_the_tenant_is_neithers(cloud, kind):
    w.add_user("monicat", 1010, OLD)
    cloud.lab.use({})
    cloud.lab.ctl("user", "add", "monicat")
    cloud.lab.enrol_email("monicat", "local@lab")
    [local, *_] = cloud.lab.enrol_recovery_codes("monicat")
    policy = {"properties": {"enabled": "all", "group": None}, "directory local": {"type": kind}}
    cloud.use(policy)
    shadow = w.shadow("monicat")
    assert ambiguous(cloud, "monicat", cloud.monica.codes[0], local)
    cloud.use({**policy, "privacy": {"hide-account-state": "no"}})
    with wire.Dialogue("monicat", tty="/dev/tty6") as d:
        assert d.step.kind == wire.END and "cannot be reset here" in d.step.text
    # The whole name is only hers of the tenant.
    assert cloud.reset("MonicaT@contoso.lab").result == "done"
    assert cloud.contoso.password_is("MonicaT", NEW) and w.shadow("monicat") == shadow


def test_two_tenants_in_one_configuration(cloud):
    cloud.use(directories=("contoso", "fabrikam"))
    assert cloud.reset("MonicaT@fabrikam.lab", person=cloud.other).result == "done"
    assert cloud.fabrikam.password_is("MonicaT", NEW) and cloud.contoso.password_is("MonicaT", OLD)
    assert cloud.reset("monicat@contoso.lab", NEW + "-too").result == "done"
    assert cloud.contoso.password_is("MonicaT", NEW + "-too") and cloud.fabrikam.password_is("MonicaT", NEW)


def test_what_is_registered_is_of_one_tenant(cloud):
    """Both have the name, the ids differ."""
    cloud.use(directories=("contoso", "fabrikam"))
    with wire.Dialogue("MonicaT@fabrikam.lab") as d:
        assert "not right" in d.answer(cloud.monica.app()).info


def test_a_short_name_of_two_tenants_is_refused(cloud):
    cloud.use(directories=("contoso", "fabrikam"))
    assert ambiguous(cloud, "monicat", cloud.monica.codes[0], cloud.other.codes[0])


def test_a_short_name_of_one_of_two_tenants_is_its(cloud):
    cloud.use(directories=("contoso", "fabrikam"))
    cloud.fabrikam.remove_user(cloud.fabrikam.user("MonicaT"))
    assert cloud.reset().result == "done"


def test_E1_one_tenant_down_is_told_alike(cloud):
    """Whose a short name is nobody knows then; a whole name needs only its own tenant."""
    cloud.use(directories=("contoso", "fabrikam"))
    cloud.service.fault("POST", f"/{cloud.fabrikam.id}/", faults.cut("before"), times=1000)
    seen = set()
    for n, name in enumerate(["monicat", "LeeG", "AdaA", "nobody-of-that-name", "monica"]):
        with wire.Dialogue(name, tty=f"/dev/tty{n}") as d:
            assert d.step.kind == wire.END and "not available" in d.step.text
            seen.add(b"\n".join(d.transcript))
    assert len(seen) == 1
    with wire.Dialogue("monicat@contoso.lab") as d:
        assert d.step.asks


def newcomer(cloud):
    """Another user, who has got MonicaT's name and is registered by it."""
    new = cloud.contoso.add_user("MonicaT", OLD, id=entra.guid("the newcomer"), email="newcomer@lab")
    cloud.contoso.add_member(cloud.contoso.group("SSPRTesters"), new)
    return new


def test_G1_a_leavers_registration_is_not_the_newcomers(cloud):
    old = cloud.contoso.user("MonicaT")
    cloud.contoso.remove_user(old)
    new = newcomer(cloud)
    with wire.Dialogue("monicat") as d:
        assert "not right" in d.answer(cloud.monica.app()).info
        cloud.lab.choose(d, 3)
        assert "not right" in d.answer(cloud.monica.codes[0]).info
    person = cloud.register("MonicaT@contoso.lab")
    person.address = "newcomer@lab"
    assert cloud.reset(person=person).result == "done"
    assert new.password == NEW and old.password == OLD


def test_G1_what_is_registered_by_a_name_is_its_present_owners(cloud):
    """And not of who had that name before, who is still there by another one."""
    old = cloud.contoso.user("MonicaT")
    cloud.contoso.rename(old, "MonicaAdler@contoso.lab")
    newcomer(cloud)
    person = cloud.register("MonicaT@contoso.lab")
    with wire.Dialogue("MonicaAdler") as d:
        assert "not right" in d.answer(person.app()).info
        assert "Step 2 of 2" in d.answer(cloud.monica.app()).info


def is_blocked(name, tty):
    with wire.Dialogue(name, tty=tty) as d:
        return d.step.kind == wire.END and "Too many" in d.step.text


@pytest.mark.parametrize("name", ["pavel", "root", "zedzed"])
def test_E1_a_block_does_not_tell_which_names_are_local_accounts(cloud, name):
    cloud.use({"properties": {"enabled": "all", "group": None}})
    assert "Too many" in burn(name, "/dev/tty1").text
    assert is_blocked(name + "@contoso.lab", "/dev/tty2") and is_blocked(name, "/dev/tty3")


@pytest.mark.parametrize("name", ["pavel", "root", "zedzed"])
def test_E1_nor_does_it_the_other_way_round(cloud, name):
    cloud.use({"properties": {"enabled": "all", "group": None}})
    assert "Too many" in burn(name + "@Contoso.lab", "/dev/tty1").text
    assert is_blocked(name, "/dev/tty2")


@pytest.mark.parametrize("name", ["onlyfab", "zedzed"])
def test_E1_nor_which_tenant_knows_a_name(cloud, name):
    cloud.use({"properties": {"enabled": "all", "group": None}}, ("contoso", "fabrikam"))
    cloud.fabrikam.add_user("onlyfab", OLD)
    assert "Too many" in burn(name, "/dev/tty1").text
    assert is_blocked(name + "@fabrikam.lab", "/dev/tty2") and is_blocked(name + "@contoso.lab", "/dev/tty3")


@pytest.mark.parametrize("name", ["pavel", "zedzed"])
def test_E1_nor_do_the_messages_that_are_left(cloud, name):
    cloud.use({"properties": {"enabled": "all", "group": None}})
    for n in range(5):
        with wire.Dialogue(name, tty=f"/dev/tty{n}") as d:
            cloud.lab.choose(d, 2)
    with wire.Dialogue(name + "@contoso.lab", tty="/dev/tty9") as d:
        assert "Too many" in cloud.lab.choose(d, 2).text


def test_an_unlocked_user_is_free_under_every_name(cloud):
    assert "Too many" in burn("monicat", "/dev/tty1").text
    cloud.lab.ctl("user", "unlock", "MonicaT@contoso.lab")
    assert not is_blocked("monicat", "/dev/tty2") and not is_blocked("MONICAT@contoso.lab", "/dev/tty3")
