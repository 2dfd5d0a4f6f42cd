# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of ./check that runs inside the private world: builds, runs the runners, adds up their figures."""

import glob
import os
import re
import signal
import subprocess
import sys
import time

INSTALL = "/src/tests/world/install"
SOURCE = "/build/src"
LOGS = "/build/log"
END = time.monotonic() + 58 * 60
JOBS = f"-j{os.cpu_count()}"

passed = failed = skipped = 0


def run(name, command, cwd="/", env=None):
    """Exit status and output; the output is also kept under the name."""
    path = f"{LOGS}/{name}"
    with open(path, "w") as log:
        p = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             start_new_session=True, env={**os.environ, **(env or {})})
        try:
            status = p.wait(max(1, END - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            status = "out of time"
    with open(path, errors="replace") as log:
        return status, log.read()


def count(name, start, status, output, figures):
    """Adds a step's figures; a runner that does not close with figures, or fails beside them, is one failure."""
    global passed, failed, skipped
    good, bad, left_out = figures if figures else (0, 0, 0)
    if figures is None or status != 0 and bad == 0:
        bad += 1
    passed, failed, skipped = passed + good, failed + bad, skipped + left_out
    text = f"{good} passed, {bad} failed" + (f", {left_out} skipped" if left_out else "")
    print(f"{name:24} {text:36} {time.monotonic() - start:6.0f} s", flush=True)
    if bad:
        print(f"---- {name}: exit {status}; the end of its output:")
        print("\n".join(output.splitlines()[-120:]))
        print(f"---- {name}", flush=True)
    return bad == 0


def once(status, _output):
    return (1, 0, 0) if status == 0 else (0, 1, 0)


def automake(_status, output):
    found = re.findall(r"^# (PASS|XFAIL|FAIL|XPASS|ERROR|SKIP): +(\d+)", output, re.M)
    if not found:
        return None

    def total(*kinds):
        return sum(int(n) for kind, n in found if kind in kinds)

    return total("PASS", "XFAIL"), total("FAIL", "XPASS", "ERROR"), total("SKIP")


def pytest(_status, output):
    lines = re.findall(r"^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s.*$", output, re.M)
    if not lines:
        return None
    found = {kind.rstrip("s"): int(n) for n, kind in re.findall(r"(\d+) (\w+)", lines[-1])}

    def total(*kinds):
        return sum(found.get(kind, 0) for kind in kinds)

    return total("passed", "xfailed"), total("failed", "error", "xpassed"), total("skipped")


def step(name, command, figures, **options):
    start = time.monotonic()
    status, output = run(name.replace(" ", "-"), command, **options)
    return count(name, start, status, output, figures(status, output))


builds = {}


def built(name, *options):
    """Whether that build is there; made once."""
    if name not in builds:
        shell = f'{INSTALL} configure {SOURCE} /build/{name} "$@" && make -C /build/{name} {JOBS}'
        builds[name] = step(f"{name} build", ["bash", "-c", shell, "bash", *options], once)
    elif not builds[name]:
        count(f"(needs {name})", time.monotonic(), 0, "not built", (0, 1, 0))
    return builds[name]


def tested(name):
    # automake keeps the words of failed tests in test-suite.log.
    shell = f"make {JOBS} check || {{ r=$?; cat test-suite.log; exit $r; }}"
    start = time.monotonic()
    status, output = run(f"{name}-check", ["bash", "-c", shell], cwd=f"/build/{name}")
    summary = re.search(r"^# TOTAL:.*?(?=^=====)", output, re.M | re.S)
    return count(f"{name} make check", start, status, output, automake(status, summary.group(0)) if summary else None)


def gcc():
    built("gcc", "CC=gcc") and tested("gcc")


def clang():
    built("clang", "CC=clang") and tested("clang")


def sanitized():
    built("sanitized", "--enable-sanitizers") and tested("sanitized")


def distcheck():
    built("gcc", "CC=gcc") and step("distcheck", ["make", JOBS, "distcheck"], once, cwd="/build/gcc")


def system(arguments=()):
    if not built("gcc", "CC=gcc"):
        return
    if not step("system install", ["bash", "-c", f"make -s -C /build/gcc install && {INSTALL} stack"], once):
        return
    folders = sorted(os.path.dirname(f) for f in glob.glob(f"{SOURCE}/tests/*/conftest.py"))
    for folder in [f"{SOURCE}/tests/system"] if arguments else folders:
        step(f"{os.path.basename(folder)} tests",
             ["python3", "-B", "-W", "ignore", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=120", "--durations=15",
              "-rs", *(arguments or ["."])],
             pytest, cwd=folder, env={"SSPR_BUILD": "/build/gcc", "SSPR_SOURCE": SOURCE})


def fuzz():
    seconds = os.environ.get("FUZZ_SECONDS") or "20"
    built("gcc", "CC=gcc") and step("fuzz", ["make", "fuzz-short", f"FUZZ_SECONDS={seconds}"], once, cwd="/build/gcc")


PARTS = {f.__name__: f for f in (gcc, clang, sanitized, distcheck, system, fuzz)}


def main(arguments):
    os.makedirs(LOGS)
    start = time.monotonic()
    if step("copy", [INSTALL, "copy", SOURCE], once):
        if arguments[0] == "system" and len(arguments) > 1:
            system(arguments[1:])
        else:
            for name in PARTS if arguments == ["all"] else arguments:
                PARTS[name]()
    print(f"{time.monotonic() - start:.0f} s in all")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
