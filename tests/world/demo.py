# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of ./demo that runs inside the private world: demo.py show|auto local|entra, or demo.py code|mail beside one that runs."""

import importlib
import os
import sys
import time

import stage
import world as w


def story(name):
    """set_up() -> world, HINTS for a person at the keyboard, play(world) -> what held: [(text, bool)]."""
    return importlib.import_module(f"demo_{name}")


def show(name):
    told = story(name)
    told.set_up()
    stage.step("A real login prompt")
    print(f"{told.HINTS.rstrip()}\n", flush=True)
    while not stage.login():
        print()
    print("\nThe demo has ended and left nothing behind.")


def auto(name):
    told = story(name)
    try:
        facts = told.play(told.set_up())
    except (stage.Failed, RuntimeError) as e:
        print(f"\ndemo: {e}")
        for daemon in w.DAEMONS:
            log = w.read(f"{w.HOME}/log/{daemon}") if os.path.exists(f"{w.HOME}/log/{daemon}") else ""
            print(f"-- log of {daemon}\n{log[-3000:]}")
        sys.exit(1)
    stage.step("What held")
    for text, good in facts:
        print(f"   {'yes' if good else 'NO '}  {text}")
    if not all(good for _, good in facts):
        sys.exit("demo: not everything held")
    print("\nAll of it held.")


def code():
    people = stage.seeds()
    for name, uri in people.items():
        whose = f"{name}: " if len(people) > 1 else ""
        print(f"{whose}{w.totp(uri)}   (for {30 - int(time.time()) % 30} more seconds; each code works once)")


def mail():
    found = w.mails()
    if not found:
        print("No mail yet.")
    for message in found:
        print(f"Date: {message['date']}\nFrom: {message['from']}\nTo: {message['to']}\nSubject: {message['subject']}\n\n"
              f"{message.get_content().rstrip()}\n{'-' * 60}")


if __name__ == "__main__":
    try:
        {"show": show, "auto": auto, "code": code, "mail": mail}[sys.argv[1]](*sys.argv[2:])
    except RuntimeError as e:
        sys.exit(f"demo: {e}")
