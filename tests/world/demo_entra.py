# SPDX-License-Identifier: LGPL-2.1-or-later
"""The story of ./demo --entra, Microsoft's own SSPR lab: MonicaT, in the group SSPRTesters of a tenant, has forgotten her password;
LeeG is not in the group. A stand-in plays Microsoft's hosts; neither user is in this machine's /etc/passwd."""

import os
import re
import shutil

import entra
import stage
import world as w

OLD, NEW = entra.OLD, "Spring-remembered-58"
DOMAIN = "contoso.lab"
PEOPLE = {"monicat": (20001, "Monica Thompson"), "leeg": (20002, "Lee Gu")}
PROFILE = """\
Name: Sign in to the tenant of the demo
Default: yes
Priority: 128
Auth-Type: Primary
Auth:
	[success=end default=ignore]	pam_exec.so quiet expose_authtok {command}
Auth-Initial:
	[success=end default=ignore]	pam_exec.so quiet expose_authtok {command}
"""
HINTS = f"""\
   1. sign in as monicat and type  forgot  as the password
   2. her codes: in a second terminal  ./demo code  and  ./demo mail  (Entra knows her address)
   3. choose a new password, then sign in with it; the old one was {OLD}
   4. try the same as leeg, who is not in the group: his password stays {OLD}
   Ctrl-C at the prompt ends the demo.
"""


# -- this machine


def name_users():
    """The name service knows the people of the tenant, /etc/passwd does not."""
    switch = re.sub(r"^((?:passwd|group|shadow):\s+files)\b", r"\1 extrausers", w.read("/etc/nsswitch.conf"), flags=re.M)
    w.write("/etc/nsswitch.conf", switch)
    folder = "/var/lib/extrausers"
    w.write(f"{folder}/passwd", "".join(f"{n}:x:{uid}:{uid}:{name}:/home/{n}:/bin/bash\n" for n, (uid, name) in PEOPLE.items()))
    w.write(f"{folder}/group", "".join(f"{n}:x:{uid}:\n" for n, (uid, _) in PEOPLE.items()))
    w.write(f"{folder}/shadow", "".join(f"{n}:*:20000:0:99999:7:::\n" for n in PEOPLE), 0o600)
    for n, (uid, _) in PEOPLE.items():
        shutil.copytree("/etc/skel", f"/home/{n}")
        w.run("chown", "-R", f"{uid}:{uid}", f"/home/{n}")
        os.chmod(f"/home/{n}", 0o700)


def sign_in_by(service):
    """Between pam_unix and pam_sspr: who is not of this machine is asked of the tenant."""
    program = "/usr/local/libexec/sspr-demo-sign-in"
    os.makedirs(os.path.dirname(program), exist_ok=True)
    shutil.copy("/src/tests/world/sign-in", program)
    os.chmod(program, 0o755)
    tenant = service.tenant
    address = f"{service.login_url}/{tenant.id}/oauth2/v2.0/token"
    command = f"{program} {address} {tenant.application.appId} {DOMAIN} {entra.CA}"
    w.write("/usr/share/pam-configs/sspr-demo", PROFILE.format(command=command))
    w.run(stage.INSTALL, "stack")


def password_modules():
    """The lines of common-auth up to the one that denies, without arguments."""
    return re.findall(r"^auth\s+(\[.*?\]|requisite)\s+(\S+)", w.read("/etc/pam.d/common-auth"), re.M)


# -- the beginning


def make_tenant():
    """Set up as ssprctl entra setup does it: the application's power ends at an administrative unit."""
    tenant = entra.sample()
    unit = tenant.add_unit("Linux users", [tenant.user(name) for name in PEOPLE])
    tenant.application.withdraw("User-PasswordProfile.ReadWrite.All")
    tenant.assign_role(tenant.application, "Password Administrator", f"/administrativeUnits/{unit}")
    return tenant


def begin():
    """World and tenant, with everything that runs."""
    stage.step("A tenant, and a machine whose users are in it")
    service = entra.start([make_tenant()])
    entra.trust(service)
    name_users()
    sign_in_by(service)
    print(f"   Contoso ({DOMAIN}), played by a stand-in: {service.login_url}, {service.graph_url}")
    print("   its users in the group SSPRTesters may reset their passwords: MonicaT may, LeeG may not")
    print("   neither is in /etc/passwd: libnss-extrausers knows their names, a script behind pam_exec asks the tenant for")
    print("   their passwords; on a real machine himmelblau, sssd or authd does both. The stack, for every login:")
    for control, module in password_modules():
        print(f"      auth {control:28} {module}")
    world = w.World()
    world.service = service
    world.configure(entra.policy(service))
    world.make_state()
    entra.credentials(world, "contoso", entra.certificate(service.tenant.application))
    world.start_mail()
    world.start()
    stage.tell_daemons(world)
    return world


def ask(world, *arguments):
    """Shows what ssprctl says. Whether it found nothing wrong."""
    done = world.ctl(*arguments, check=False)
    print(f"\n   # ssprctl {' '.join(arguments)}")
    print("".join(f"   {line}\n" for line in (done.stdout + done.stderr).splitlines()), end="", flush=True)
    return done.returncode == 0


def set_up():
    stage.build()
    world = begin()

    stage.step("Registering both, as an administrator does with ssprctl")
    seeds = {}
    for name in PEOPLE:
        print(f"   {world.ctl('user', 'add', f'{name}@{DOMAIN}').stdout.strip()}")
        uri, shown = world.enrol_authenticator(f"{name}@{DOMAIN}")
        seeds[name] = uri
        if name == "monicat":
            print(shown.rstrip())
    stage.keep_seeds(seeds)
    print("   an authenticator here; their mail addresses stand in Entra. Could they reset?")
    world.foretold = {
        "monicat": ask(world, "entra", "check", f"MonicaT@{DOMAIN}") and ask(world, "user", "check", "monicat"),
        "leeg": ask(world, "user", "check", "leeg"),
    }
    return world


# -- without a keyboard


def try_as_lee(world, told, holds):
    """He leads the dialogue as she does, with codes as good as hers."""
    patches = world.service.count("/users/", "PATCH")
    w.steady_step(10)
    with stage.Screen() as s:
        s.signs_in("leeg", "forgot")
        holds("LeeG, outside of the group, is asked the same", s.says("(Reset your password.*)Code: ").group(1) == told)
        s.types(w.totp(stage.seeds()["leeg"]))
        holds("the right code of his authenticator does not count", s.which("That code is not right", "New password|Step 2") == 0)
        s.says("Code: ")
        s.types("")
        s.says("Number.*: ")
        s.types("2")
        s.says("we sent a code to your e-mail.*Code: ")
        holds("no code comes to the address that Entra has of him",
              not w.wait_for(lambda: [m for m in w.mails() if "lee@lab" in m["to"]], 2))
        s.types("73920114")
        holds("and none that he could guess would help", s.which("That code is not right", "New password|Step 2") == 0)
    holds("his password stays", world.service.tenant.password_is("LeeG", OLD)
          and world.service.count("/users/", "PATCH") == patches)
    with stage.Screen() as s:
        s.signs_in("leeg", OLD)
        holds("and signs him in as before", s.has_shell("leeg"))


def let_lee_in(world, holds):
    """That it was the group and nothing else."""
    world.service.tenant.add_member(world.service.tenant.group("SSPRTesters"), world.service.tenant.user("LeeG"))
    holds("put into the group, LeeG could reset", ask(world, "user", "check", "leeg"))


def look_at_tenant(service, holds):
    patches = service.find("/users/", "PATCH")
    tenant = service.tenant
    monica = tenant.user("MonicaT")
    for r in patches:
        print(f"   PATCH {r.path}: {r.status}, request-id {r.id}")
    print(f"   sessions revoked: {', '.join(tenant.revoked)}")
    holds("exactly one PATCH reached the tenant, for her", [monica.id in r.path for r in patches] == [True])
    holds("the tenant has the new password, and asks for no other at sign-in", monica.password == NEW and not monica.must_change)
    holds("her sessions were revoked, nobody else's", tenant.revoked == [monica.userPrincipalName])
    holds("the tenant's own answers were in order", not service.errors)
    return patches


def play(world):
    facts = []
    service = world.service

    def holds(text, good):
        facts.append((text, bool(good)))

    holds("ssprctl tells beforehand who can reset: MonicaT, not LeeG", world.foretold == {"monicat": True, "leeg": False})
    stage.step("Before: the tenant decides who signs in")
    with stage.Screen() as s:
        s.signs_in("monicat", OLD)
        holds("before, the password of the tenant signs MonicaT in", s.has_shell("monicat"))

    stage.step("MonicaT resets her Entra password at the login prompt")
    w.steady_step(10)
    with stage.Screen() as s:
        _, outside = s.resets("monicat", w.totp(stage.seeds()["monicat"]), NEW)
        holds("the reset itself signs nobody in", outside)

    stage.step("The old password")
    with stage.Screen() as s:
        s.signs_in("monicat", OLD)
        holds("the old password no longer works", s.is_refused())

    stage.step("The new password")
    with stage.Screen() as s:
        s.signs_in("monicat", NEW)
        holds("the new password gives her shell", s.has_shell("monicat"))

    stage.step("LeeG, who is not in the group, tries the same")
    try_as_lee(world, "Reset your password. Step 1 of 2: code from your authenticator app.\r\n", holds)

    stage.step("What the tenant saw")
    patches = look_at_tenant(service, holds)

    stage.step("LeeG joins the group")
    let_lee_in(world, holds)

    stage.step("ssprctl audit")
    print(world.ctl("audit").stdout.rstrip())
    rows = world.audit("--user", f"MonicaT@{DOMAIN}")
    holds("the audit shows the steps in order", stage.in_order(rows))
    holds("the audit has Graph's request id of the change",
          len(patches) == 1 and any(patches[0].id in row["reason"] for row in rows if "successfully reset" in row["reason"]))
    holds("the audit is whole", world.ctl("audit", "--verify", check=False).returncode == 0)
    return facts
