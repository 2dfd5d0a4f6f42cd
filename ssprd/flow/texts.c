// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/texts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char text_lost_unchanged[] = "The connection was lost. Nothing was changed. Start again.";
const char text_lost_unconfirmed[] =
	"The change could not be confirmed. Try the new password first, then the old one.";

const char text_on_its_way[] = "If that is the number we know, a code is on its way.";
const char text_no_number[] = "That is no whole number. Type it with its country code, like +1 425 5550100.";

/* " Helpdesk: https://help.example.org, +1 555 0100" or nothing. */
static void helpdesk(const struct policy *p, char *ret, size_t size)
{
	bool both = *p->helpdesk && *p->phone;

	ret[0] = 0;
	if (*p->helpdesk || *p->phone)
		snprintf(ret, size, " Helpdesk: %.40s%s%.25s", p->helpdesk, both ? ", " : "", p->phone);
}

void text_too_many(const struct policy *p, char *ret, size_t size)
{
	char desk[96];

	helpdesk(p, desk, sizeof(desk));
	snprintf(ret, size, "Too many tries. Nothing was changed. Try again later, or tomorrow.%s", desk);
}

void text_unavailable(const struct policy *p, char *ret, size_t size)
{
	char desk[96];

	helpdesk(p, desk, sizeof(desk));
	snprintf(ret, size, "Password reset is not available now. Nothing was changed.%s", desk);
}

void text_not_resettable(const struct policy *p, enum why why, char *ret, size_t size)
{
	char desk[96];

	helpdesk(p, desk, sizeof(desk));
	if (why == WHY_NOT_REGISTERED)
		snprintf(ret, size, "This account is not registered for password reset.%s", desk);
	else if (why == WHY_SYNCED || why == WHY_FEDERATED)
		snprintf(ret, size, "This account's password is managed elsewhere in your organisation.%s", desk);
	else
		snprintf(ret, size, "This account's password cannot be reset here.%s", desk);
}

static void gate_line(const struct policy *p, const char *what, unsigned int gate, char *ret, size_t size)
{
	if (p->required == 1)
		snprintf(ret, size, "Reset your password: %s", what);
	else
		snprintf(ret, size, "%sStep %u of %u: %s", gate == 0 ? "Reset your password. " : "", gate + 1, p->required, what);
}

void text_gate(const struct policy *p, const struct method *m, unsigned int gate, char *ret, size_t size)
{
	gate_line(p, m->ask, gate, ret, size);
}

void text_number(const struct policy *p, const struct method *m, unsigned int gate, char *ret, size_t size)
{
	gate_line(p, m->ask_number, gate, ret, size);
}

void text_resume(int64_t sent, char *ret, size_t size)
{
	time_t at = (time_t)sent;
	struct tm tm;

	localtime_r(&at, &tm);
	snprintf(ret, size, "Enter the code sent at %02d:%02d, or press Enter for a new one.", tm.tm_hour, tm.tm_min);
}

void text_approval(const struct policy *p, unsigned int gate, const char *address, const char *code, char *ret, size_t size)
{
	char step[24] = "";

	if (p->required > 1)
		snprintf(step, sizeof(step), "Step %u of %u: ", gate + 1, p->required);
	snprintf(ret, size, "%son your phone, open %s, enter %s and sign in.", step, address, code);
}

void text_menu(const struct flow *f, char *ret, size_t size)
{
	unsigned int number = 0;
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < f->rules->methods_n && at < size; i++)
		if (!(f->passed & (1u << i)))
			at += (size_t)snprintf(ret + at, size - at, "%s%u %s", number ? "  " : "", number + 1,
					       f->rules->methods[i]->label),
				number++;
}

static void classes_rule(unsigned int n, char *ret, size_t size)
{
	ret[0] = 0;
	if (n > 1)
		snprintf(ret, size, ", %u of: lower case, upper case, digits, others", n);
}

void text_rules(const struct policy_password *rules, char *ret, size_t size)
{
	char more[64];

	classes_rule(rules->min_classes, more, sizeof(more));
	snprintf(ret, size, "Choose a new password: at least %u characters%s, not your name, %s.", rules->min_length, more,
		 rules->ascii ? "no accents" : "not one used before");
}

void text_broken_rule(const struct policy_password *rules, enum why why, char *ret, size_t size)
{
	char more[64];

	switch (why) {
	case WHY_TOO_SHORT:
		snprintf(ret, size, "Too short: at least %u characters.", rules->min_length);
		break;
	case WHY_TOO_LONG:
		snprintf(ret, size, "Too long: at most %u characters.", rules->max_length);
		break;
	case WHY_CHARACTERS:
		if (rules->ascii)
			snprintf(ret, size, "Only A-Z, a-z, 0-9, blanks and the usual signs may be in it. Choose another.");
		else
			snprintf(ret, size, "It has characters that cannot be typed everywhere. Choose another.");
		break;
	case WHY_CLASSES:
		classes_rule(rules->min_classes, more, sizeof(more));
		snprintf(ret, size, "Too plain: at least %u characters%s.", rules->min_length, more);
		break;
	case WHY_NAME:
		snprintf(ret, size, "It must not contain your user name. Choose another.");
		break;
	case WHY_WORD:
		snprintf(ret, size, "It contains a word that is not allowed here. Choose another.");
		break;
	case WHY_POLICY:
		snprintf(ret, size, "Your organisation does not allow it: too common, or easy to guess. Choose another.");
		break;
	case WHY_USED_BEFORE:
		snprintf(ret, size, "You have used this password before. Choose another.");
		break;
	default:
		snprintf(ret, size, "Too easy to guess. Choose another.");
		break;
	}
}

void text_code_mail(const struct flow_rules *rules, const char *code, struct job *ret)
{
	int64_t minutes = rules->policy->limits.code_lifetime / 60;

	snprintf(ret->subject, sizeof(ret->subject), "Your code for the password reset at %s", rules->host);
	snprintf(ret->body, sizeof(ret->body),
		 "Code: %s\n\n"
		 "Somebody at the login screen of %s asked for a password reset. If that was you, type this code there\n"
		 "within %lld minutes. It works once.\n\n"
		 "If it was not you, do nothing, and tell your helpdesk. Nobody from IT will ever ask you for this code.\n",
		 code, rules->host, (long long)minutes);
}

void text_reset_mail(const struct flow_rules *rules, int64_t wall, struct job *ret)
{
	time_t at = (time_t)wall;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
	snprintf(ret->subject, sizeof(ret->subject), "Your password was reset at %s", rules->host);
	snprintf(ret->body, sizeof(ret->body),
		 "The password of your account was reset at the login screen of %s, on %s.\n\n"
		 "If that was you, there is nothing to do. If it was not you, call your helpdesk at once%s%s.\n",
		 rules->host, when, *rules->policy->helpdesk || *rules->policy->phone ? ": " : "",
		 *rules->policy->helpdesk ? rules->policy->helpdesk : rules->policy->phone);
}
