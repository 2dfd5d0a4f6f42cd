// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * The whole of pam_sm_authenticate() between a daemon and a user who both do anything (P1, P4, P8). The input is read
 * as the dialogue goes on: first who and where, then, whenever it is anybody's turn, what that one says.
 *
 *     u8 bits: first, quiet, silent, debug, keyword typed; u8 length and bytes: user name; then
 *     daemon: u8 op (0 closes, 1 is silent, else) u16 length, bytes
 *     user:   u8 op (0 no array, 1 NULL, 2 error, 3 too long, 4 another PAM_USER, else) u8 length, bytes
 */

#include "../pam/fake.h"

#include <stdlib.h>

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
	struct pam_handle *pamh;
};

static unsigned int input_byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static const void *input_bytes(struct input *in, size_t want, size_t *ret_len)
{
	const void *at = in->at;

	*ret_len = want < in->left ? want : in->left;
	in->at += *ret_len;
	in->left -= *ret_len;
	return at;
}

static bool daemon_turn(struct fake *f)
{
	struct input *in = f->data;
	unsigned int op = input_byte(in);
	const void *bytes;
	size_t len;

	if (in->left == 0 || op == 0) {
		fake_close();
		return true;
	}
	if (op == 1)
		return false;
	len = input_byte(in) << 8;
	len |= input_byte(in);
	bytes = input_bytes(in, len, &len);
	fake_say(bytes, len);
	return true;
}

/* The lines of a figure, and below them what is said and asked. */
#define LINES 24
#define FIGURE 2048

static void message_look(const struct pam_message *m, size_t most)
{
	MUST(strlen(m->msg) <= most && text_printable(m->msg, strlen(m->msg)));
}

static char *answer_make(struct input *in, unsigned int op)
{
	size_t len;
	const char *bytes = input_bytes(in, input_byte(in), &len);
	char *answer = calloc(1, (op == 3 ? PAM_MAX_RESP_SIZE : len) + 1);

	MUST(answer);
	if (op == 3)
		memset(answer, 'x', PAM_MAX_RESP_SIZE);
	else if (len > 0)
		memcpy(answer, bytes, len);
	return answer;
}

static int talk(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct input *in = data;
	unsigned int op = input_byte(in);
	size_t bytes = 0;

	MUST(n >= 1 && n <= LINES + 2);
	for (int i = 0; i < n; i++) {
		message_look(m[i], n > 1 && i < LINES ? FIGURE : 400);
		bytes += strlen(m[i]->msg);
	}
	MUST(bytes < 900 + (n > 1 ? FIGURE : 0));
	*ret = NULL;
	if (op == 0)
		return PAM_SUCCESS;
	if (op == 2)
		return PAM_CONV_ERR;
	if (op == 4)
		in->pamh->item[PAM_USER] = "pavel";
	*ret = calloc((size_t)n, sizeof(**ret));
	MUST(*ret);
	if (op != 1)
		(*ret)[n - 1].resp = answer_make(in, op);
	return PAM_SUCCESS;
}

static void result_look(int r)
{
	MUST(r == PAM_IGNORE || r == PAM_AUTH_ERR || r == PAM_MAXTRIES || r == PAM_CONV_ERR || r == PAM_ABORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pam_handle h = {};
	struct input in = { .at = data, .left = size, .pamh = &h };
	const struct pam_conv conv = { .conv = talk, .appdata_ptr = &in };
	unsigned int bits = input_byte(&in);
	const char *argv[] = { "socket=/run/sspr/login.sock", bits & 1 ? "first" : "bad", bits & 2 ? "quiet" : "",
			       bits & 8 ? "debug" : "keyword=" };
	char user[256] = "";
	size_t len;
	const void *name = input_bytes(&in, input_byte(&in), &len);

	memcpy(user, name, len);
	h.item[PAM_SERVICE] = "login";
	h.item[PAM_USER] = user;
	h.item[PAM_CONV] = &conv;
	h.typed = bits & 16 ? "forgot" : "wrong";
	h.item[PAM_AUTHTOK] = bits & 1 ? NULL : h.typed;
	fake = (struct fake){ .module_fd = -1, .fd = -1, .turn = daemon_turn, .data = &in };

	result_look(pam_sm_authenticate(&h, bits & 4 ? PAM_SILENT : 0, ARRAY_SIZE(argv), argv));
	MUST(fake.module_fd < 0 || fcntl(fake.module_fd, F_GETFD) < 0);
	MUST(!(bits & 1) || !h.item[PAM_AUTHTOK] || strcmp(h.item[PAM_AUTHTOK], "forgot") != 0);
	MUST(pam_sm_setcred(&h, PAM_ESTABLISH_CRED, 0, NULL) == PAM_IGNORE);
	fake_close();
	return 0;
}
