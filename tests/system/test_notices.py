# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who hears of a reset: every address that is known, once each, in the words of the administrator."""

import os
import shutil
import time

import pytest

import fake
import wire
import world as w
from conftest import NEW

NAME, OBJECT = "monicat@contoso.com", "aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb"
CONTACT = 44
TEMPLATES = "/etc/sspr/templates"
POLICY = {
    "authentication-methods": {"methods": "recovery-code pass email"},
    "directory contoso": {
        "type": "entra",
        "tenant": "11111111-2222-3333-4444-555555555555",
        "client-id": "66666666-7777-8888-9999-000000000000",
        "domains": "contoso.com",
    },
}


class Tenant:
    """ssprd-net as ssprd sees it: one account, its contacts, and what was sent to whom."""

    def __init__(self, lab, contacts=()):
        self.contacts, self.told, self.knows, self.hangs_at = list(contacts), [], True, None
        lab.stop("ssprd-net")
        self.fake = fake.Fake(lab.listeners["net"], self.serve)
        self.mark = "before"

    def serve(self, s):
        if not self.fake.heard[-1]:
            return
        _, fields = wire.decode(self.fake.heard[-1])
        kind = fields[wire.JOB_KIND][0]
        account = wire.account(OBJECT, NAME, self.mark, "contoso")
        if kind == wire.LOOKUP and not self.knows:
            return
        if kind == wire.RESET:
            self.mark = "after"
            account = wire.account(OBJECT, NAME, self.mark, "contoso")
        if kind == wire.NOTIFY:
            to = fields[wire.TO].decode()
            if to == self.hangs_at:
                return
            self.told.append((to, fields[wire.SUBJECT].decode(), fields[wire.ID].decode(), fields[wire.BODY].decode()))
        if kind not in (wire.LOOKUP, wire.RESET):
            account = wire.account("", "", "", "")
        more = [(CONTACT + i, a) for i, a in enumerate(self.contacts)] if kind == wire.LOOKUP else []
        s.send(wire.encode(wire.DONE, (wire.OUTCOME, wire.JOB_DONE, 1), (wire.WHY, 0, 1), *account, *more))

    def addresses(self, about="was reset"):
        return sorted(to for to, subject, _, _ in self.told if about in subject)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.fake.__exit__()


def register(lab, mail=None):
    lab.ctl("user", "add", NAME)
    if mail:
        lab.enrol_email(NAME, mail)
    return lab.enrol_recovery_codes(NAME)


def reset(lab, codes):
    lab.ctl("pass", "issue", NAME, "--verified", "by sight")
    code = lab.table("pass", "issue", NAME, "--verified", "by sight")[0]["pass"]
    with wire.Dialogue("monicat@contoso.com") as d:
        assert "Step 2 of 2" in d.answer(codes.pop()).info
        assert d.answer(code).prompt == "New password: "
        d.answer(NEW)
        assert d.answer(NEW).result == "done"


def settled(lab):
    """Nothing more comes."""
    time.sleep(0.7)
    lab.restart("ssprd")
    time.sleep(0.7)


def test_all_addresses_hear_of_it_once_each(lab):
    lab.use(POLICY)
    with Tenant(lab, ["Monica@Here.org", "a@contoso.com", "b@home.net", "c@home.net"]) as tenant:
        codes = register(lab, "monica@here.org")
        reset(lab, codes)
        wanted = ["a@contoso.com", "b@home.net", "c@home.net", "monica@here.org"]
        assert w.wait_for(lambda: tenant.addresses() == wanted), tenant.addresses()
        settled(lab)
        assert tenant.addresses() == wanted
        assert len({i for _, subject, i, _ in tenant.told if "was reset" in subject}) == 4, "each is a message of its own"
        # Each pass was told to all of them too.
        assert tenant.addresses("gave out a pass") == sorted(wanted * 2)
    assert [r["result"] for r in lab.audit() if r["reason"] == "reset"] == ["success"] * 4


def test_F7_a_crash_between_two_addresses(lab):
    lab.use(POLICY)
    with Tenant(lab, ["a@contoso.com", "b@home.net"]) as tenant:
        codes = register(lab, "monica@here.org")
        tenant.hangs_at = "a@contoso.com"
        reset(lab, codes)
        assert w.wait_for(lambda: tenant.addresses() == ["b@home.net", "monica@here.org"])
        tenant.hangs_at = None
        lab.daemons["ssprd"].crash()
        assert w.wait_for(lambda: tenant.addresses() == ["a@contoso.com", "b@home.net", "monica@here.org"], 10), tenant.addresses()
        settled(lab)
        assert tenant.addresses() == ["a@contoso.com", "b@home.net", "monica@here.org"]


def test_what_is_registered_here_does_not_wait_for_the_directory(lab):
    lab.use(POLICY)
    with Tenant(lab, ["a@contoso.com"]) as tenant:
        codes = register(lab, "monica@here.org")
        code = lab.table("pass", "issue", NAME, "--verified", "by sight")[0]["pass"]
        with wire.Dialogue("monicat@contoso.com") as d:
            d.answer(codes.pop())
            d.answer(code)
            d.answer(NEW)
            tenant.knows = False
            assert d.answer(NEW).result == "done"
        assert w.wait_for(lambda: tenant.addresses() == ["monica@here.org"])
        tenant.knows = True
        settled(lab)
        assert tenant.addresses() == ["a@contoso.com", "monica@here.org"]


def test_nobody_to_tell_is_told_the_audit(lab):
    lab.use(POLICY)
    with Tenant(lab) as tenant:
        reset(lab, register(lab))
        assert w.wait_for(lambda: [r for r in lab.audit() if r["activity"].startswith("User notified") and r["result"] == "failure"])
        assert tenant.told == []


def test_users_are_not_told_where_the_policy_says_so(lab, monica):
    lab.use({**POLICY, "notifications": {"notify-users": "no"}})
    with Tenant(lab, ["a@contoso.com"]) as tenant:
        codes = register(lab, "monica@here.org")
        reset(lab, codes)
        settled(lab)
        assert tenant.addresses() == []
        assert tenant.addresses("gave out a pass") == ["a@contoso.com"] * 2 + ["monica@here.org"] * 2


# -- templates


@pytest.fixture
def templates(lab):
    shutil.rmtree(TEMPLATES, ignore_errors=True)
    os.makedirs(TEMPLATES)
    yield lambda name, text: w.write(f"{TEMPLATES}/{name}", text)
    shutil.rmtree(TEMPLATES, ignore_errors=True)


def notice_of(lab, person):
    lab.reset(person.name)
    assert w.wait_for(lambda: [m for m in person.mails() if not w.mail_code(m)])
    (mail,) = [m for m in person.mails() if not w.mail_code(m)]
    return mail


def test_the_shipped_words(lab, monica):
    lab.use({"customization": {"helpdesk": "https://help.lab", "phone": "+1 555 0100"}})
    mail = notice_of(lab, monica)
    assert mail["Subject"] == "Your password was reset at lab"
    text = mail.get_content()
    assert "at the login screen of lab, on 20" in text and "UTC" in text
    assert "If it was not you, call your helpdesk at once." in text
    assert "Helpdesk: https://help.lab, +1 555 0100\n" in text
    assert "SPDX" not in text and "%" not in text


def test_without_a_helpdesk_its_line_is_left_out(lab, monica):
    lab.use({"customization": {"helpdesk": None}})
    assert "Helpdesk:" not in notice_of(lab, monica).get_content()


def test_the_administrators_words_in_another_language(lab, monica, templates):
    templates("reset-notice.de.txt", "Subject: Ihr Kennwort für %host% wurde zurückgesetzt\n\n%host%, %time%: 100%% Sie?\nHilfe: %helpdesk%\n")
    lab.use({"notifications": {"language": "de"}})
    mail = notice_of(lab, monica)
    assert mail["Subject"] == "Ihr Kennwort für lab wurde zurückgesetzt"
    assert mail.get_content().startswith("lab, 20") and "100% Sie?\nHilfe: helpdesk@lab" in mail.get_content()


def test_the_administrators_english_comes_first(lab, monica, templates):
    templates("reset-notice.en.txt", "Subject: Ours\n\nOurs.\n")
    lab.use({})
    assert notice_of(lab, monica)["Subject"] == "Ours"


@pytest.mark.parametrize("text, told", [
    ("Subject: x\n\n%user%\n", ":3: %user% is no placeholder; there are: %host%, %time%, %helpdesk%"),
    ("Subject: x %\n\ny\n", ":1: % is no placeholder"),
    ("Hello\n\ny\n", ":1: must be 'Subject: TEXT'"),
    ("# a remark\nSubject: x\ny\n", ":3: must be empty"),
    ("Subject: x\n\n", "needs 'Subject: TEXT', an empty line, and the text"),
    ("", "needs 'Subject: TEXT', an empty line, and the text"),
    ("Subject: " + "x" * 128 + "\n\ny\n", ":1: the subject can get 128 bytes long, at most 127 fit"),
    ("Subject: x\n\n" + ("y" * 99 + "\n") * 16, ":18: the text can get longer than 1535 bytes up to here"),
    ("Subject: x\n\ny\033[1m\n", ":3: must be UTF-8 without control characters"),
])
def test_a_wrong_template_is_told_by_file_and_line(lab, templates, text, told):
    templates("reset-notice.en.txt", text)
    where = f"{TEMPLATES}/reset-notice.en.txt"
    done = lab.ctl("check", check=False)
    assert done.returncode == 1 and where + told.split(" ")[0] * told.startswith(":") in done.stderr and told.lstrip(":0123456789 ") in done.stderr
    lab.stop("ssprd")
    with pytest.raises(RuntimeError, match="78"):
        lab.start("ssprd")
    assert told.lstrip(":0123456789 ") in lab.daemons["ssprd"].log()


def test_a_template_that_others_may_write_is_refused(lab, templates):
    templates("reset-notice.en.txt", "Subject: x\n\ny\n")
    os.chmod(f"{TEMPLATES}/reset-notice.en.txt", 0o666)
    done = lab.ctl("check", check=False)
    assert done.returncode == 1 and "nobody else may write" in done.stderr


def test_a_language_without_a_template_is_told(lab):
    lab.configure({"notifications": {"language": "fr"}})
    done = lab.ctl("check", check=False)
    assert done.returncode == 1 and "no template /etc/sspr/templates/reset-notice.fr.txt" in done.stderr
