// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/local_pam.h"

#include <security/pam_appl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define SERVICE "ssprd-local"
/* A module that asks more often is not going to be content. */
#define PROMPTS_MAX 8

struct conversation {
	const struct secret *password;
	unsigned int prompts;
};

struct dialogue {
	pam_handle_t *pam;
	int result;
};

static void dialogue_end(struct dialogue *d)
{
	if (d->pam)
		pam_end(d->pam, d->result);
}

static void responses_free(struct pam_response *r, int n)
{
	for (int i = 0; r && i < n; i++)
		if (r[i].resp) {
			explicit_bzero(r[i].resp, strlen(r[i].resp));
			free(r[i].resp);
		}
	free(r);
}

/* Only hidden prompts are for the new password. A text is for the log, in pieces that cannot forge a line. */
static int answer(const struct pam_message *m, struct conversation *c, struct pam_response *ret)
{
	switch (m->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		if (++c->prompts > PROMPTS_MAX)
			return PAM_CONV_ERR;
		ret->resp = strdup(c->password->b);
		return ret->resp ? PAM_SUCCESS : PAM_BUF_ERR;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		log_info("PAM service " SERVICE " says: %.200s", m->msg);
		return PAM_SUCCESS;
	default:
		log_error("PAM service " SERVICE " has a module that asks: %.200s", m->msg);
		return PAM_CONV_ERR;
	}
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *data)
{
	struct pam_response *responses;
	int r = PAM_SUCCESS;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	responses = calloc((size_t)n, sizeof(*responses));
	if (!responses)
		return PAM_BUF_ERR;
	for (int i = 0; i < n && r == PAM_SUCCESS; i++)
		r = answer(messages[i], data, &responses[i]);
	if (r != PAM_SUCCESS)
		responses_free(responses, n);
	else
		*ret = responses;
	return r;
}

static enum why why_of(int result)
{
	switch (result) {
	case PAM_SUCCESS:
		return WHY_NONE;
	case PAM_MAXTRIES: /* pam_pwhistory: it has been used before, and asking again brings the same */
		return WHY_USED_BEFORE;
	case PAM_AUTHTOK_LOCK_BUSY:
	case PAM_TRY_AGAIN:
		return WHY_BUSY;
	case PAM_OPEN_ERR:
	case PAM_SYMBOL_ERR:
	case PAM_SERVICE_ERR:
	case PAM_MODULE_UNKNOWN:
	case PAM_CONV_ERR:
	case PAM_PERM_DENIED:
		return WHY_MISCONFIGURED;
	default:
		return WHY_BROKEN;
	}
}

/* Without the file libpam would take the service `other`, with rules that were never meant for this. */
static bool service_exists(void)
{
	static const char *const directories[] = { "/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(path, sizeof(path), "%s/" SERVICE, directories[i]);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

void local_pam_load(void)
{
	static const struct pam_conv conv = { .conv = converse };
	static pam_handle_t *kept;

	/* Never ended, since its end would unload them. */
	if (service_exists() && pam_start(SERVICE, NULL, &conv, &kept) != PAM_SUCCESS)
		log_error("the modules of PAM service " SERVICE " cannot be loaded");
}

enum why local_pam_change(const char *name, const struct secret *password)
{
	struct conversation c = { .password = password };
	const struct pam_conv conv = { .conv = converse, .appdata_ptr = &c };
	_cleanup_(dialogue_end) struct dialogue d = {};

	if (!service_exists()) {
		log_error("there is no PAM service " SERVICE);
		return WHY_MISCONFIGURED;
	}
	d.result = pam_start(SERVICE, name, &conv, &d.pam);
	if (d.result == PAM_SUCCESS)
		d.result = pam_chauthtok(d.pam, 0);
	if (d.result != PAM_SUCCESS)
		log_warning("PAM service " SERVICE ": %s", pam_strerror(d.pam, d.result));
	return why_of(d.result);
}
