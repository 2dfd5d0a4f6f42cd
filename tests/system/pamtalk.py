# SPDX-License-Identifier: LGPL-2.1-or-later
"""A login program of the tests: the real libpam, with a conversation that does what a test wants."""

import ctypes
import multiprocessing
import time

PAM_SUCCESS, PAM_CONV_ERR = 0, 19
PAM_SERVICE, PAM_USER, PAM_TTY, PAM_RHOST = 1, 2, 3, 4
ECHO_OFF, ECHO_ON, ERROR, INFO = 1, 2, 3, 4


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


Conversation = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                                ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)


class Conv(ctypes.Structure):
    _fields_ = [("function", Conversation), ("data", ctypes.c_void_p)]


def _authenticate(queue, service, user, answers, items, times):
    libc, pam = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libpam.so.0")
    libc.calloc.restype = ctypes.c_void_p
    libc.malloc.restype = ctypes.c_void_p
    shown, left = [], list(answers)

    def talk(n, messages, responses, _):
        array = libc.calloc(n, ctypes.sizeof(Response))
        out = ctypes.cast(array, ctypes.POINTER(Response))
        for i in range(n):
            style, text = messages[i].contents.style, messages[i].contents.text or b""
            shown.append((style, text))
            if style in (ECHO_OFF, ECHO_ON):
                answer = left.pop(0) if left else None
                if answer is None:
                    return PAM_CONV_ERR
                if answer is NotImplemented:  # success, but no answer
                    continue
                copy = libc.malloc(len(answer) + 1)
                ctypes.memmove(copy, answer + b"\0", len(answer) + 1)
                out[i].text = copy
        responses[0] = out
        return PAM_SUCCESS

    conv = Conv(Conversation(talk), None)
    handle = ctypes.c_void_p()
    assert pam.pam_start(service.encode(), user, ctypes.byref(conv), ctypes.byref(handle)) == 0
    for item, value in items.items():
        assert pam.pam_set_item(handle, item, value) == 0
    results = []
    start = time.monotonic()
    for _ in range(times):
        results.append(pam.pam_authenticate(handle, 0))
    took = time.monotonic() - start
    pam.pam_end(handle, results[-1])
    queue.put((results, shown, took))


class Talk:
    def __init__(self, results, shown, took):
        self.results, self.result, self.shown, self.took = results, results[-1], shown, took

    @property
    def text(self):
        return b" ".join(text for _, text in self.shown).decode(errors="replace")

    @property
    def prompts(self):
        return [text.decode() for style, text in self.shown if style in (ECHO_OFF, ECHO_ON)]


def authenticate(service, user, answers, items=None, times=1, timeout=30):
    """pam_authenticate() in a process of its own. An answer None breaks the conversation, NotImplemented is NULL."""
    queue = multiprocessing.SimpleQueue()
    items = {PAM_TTY: b"/dev/tty1"} if items is None else items
    p = multiprocessing.Process(target=_authenticate, args=(queue, service, user, answers, items, times))
    p.start()
    p.join(timeout)
    if p.is_alive():
        p.kill()
        raise AssertionError(f"pam_authenticate() takes more than {timeout} s")
    assert p.exitcode == 0, f"the login program died: {p.exitcode}"
    return Talk(*queue.get())
