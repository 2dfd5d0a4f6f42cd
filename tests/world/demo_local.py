# SPDX-License-Identifier: LGPL-2.1-or-later
"""The story of ./demo: monica, whose account is this machine's own, has forgotten her password."""

import stage
import world as w

OLD, NEW = "Autumn-forgotten-41", "Spring-remembered-58"
ADDRESS = "monica@lab"
HINTS = """\
   1. sign in as monica and type  forgot  as the password
   2. her codes: in a second terminal  ./demo code  and  ./demo mail
      (or scan the picture above with an authenticator app)
   3. choose a new password, then sign in with it. Ctrl-C at the prompt ends the demo.
"""


def set_up():
    stage.build()

    stage.step("Accounts, daemons, mail server")
    w.add_user("monica", 1000, OLD)
    w.add_user("pavel", 1001, "Winter-unchanged-77")
    world = w.World()
    world.configure()
    world.make_state()
    world.start_mail()
    world.start()
    print("   monica has forgotten her password; pavel has not")
    stage.tell_daemons(world)

    stage.step("Registering monica, as an administrator does with ssprctl")
    world.ctl("user", "add", "monica")
    uri, shown = world.enrol_authenticator("monica")
    print(shown.rstrip())
    stage.keep_seeds({"monica": uri})
    world.enrol_email("monica", ADDRESS)
    codes = world.enrol_recovery_codes("monica")
    print(f"   e-mail {ADDRESS}, {len(codes)} recovery codes, the first is {codes[0]}")
    return world


def play(world):
    facts = []

    def holds(text, good):
        facts.append((text, bool(good)))

    untouched = w.shadow("pavel")
    holds("before, the old password is the password", w.password_is("monica", OLD))
    w.steady_step(10)
    app = w.totp(stage.seeds()["monica"])

    stage.step("She resets it at the login prompt")
    with stage.Screen() as s:
        mailed, outside = s.resets("monica", app, NEW)
        holds("the reset itself signs nobody in", outside)

    stage.step("The old password")
    with stage.Screen() as s:
        s.signs_in("monica", OLD)
        holds("the old password no longer works", s.is_refused())

    stage.step("The new password")
    with stage.Screen() as s:
        s.signs_in("monica", NEW)
        holds("the new password gives her shell", s.has_shell("monica"))

    stage.step("The same codes again")
    changed = w.shadow("monica")
    with stage.Screen() as s:
        s.signs_in("monica", "forgot")
        s.says("Step 1 of 2.*Code: ")
        s.types(app)
        holds("the same authenticator code is refused", s.which("That code is not right", "New password|Step 2") == 0)
        s.says("Code: ")
        s.types("")
        s.says("Number.*: ")
        s.types("2")
        s.says("Code: ")
        s.types(mailed)
        holds("the same e-mail code is refused", s.which("That code is not right", "New password|Step 2") == 0)
    holds("and her password stays", w.shadow("monica") == changed)

    holds("pavel's account is unchanged", w.shadow("pavel") == untouched)

    stage.step("ssprctl audit")
    print(world.ctl("audit").stdout.rstrip())
    holds("the audit shows the steps in order", stage.in_order(world.audit("--user", "monica")))
    holds("the audit is whole", world.ctl("audit", "--verify", check=False).returncode == 0)
    return facts
