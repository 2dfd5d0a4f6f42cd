// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/texts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

const char text_lost_unchanged[] = "The connection was lost. Nothing was changed. Start again.";
#define UNCONFIRMED "The change could not be confirmed. Try the new password first, then the old one."
const char text_lost_unconfirmed[] = UNCONFIRMED;

const char text_on_its_way[] = "If that is the number we know, a code is on its way.";
const char text_no_number[] = "That is no whole number. Type it with its country code, like +1 425 5550100.";

#define TEXT_LINE 150

/* As far as the line has room: half an address would be a wrong one. */
static void add_helpdesk(const struct policy *p, char *ret, size_t size)
{
	const char *const ways[] = { p->helpdesk, p->helpdesk_mail, p->phone };
	const char *before = " Helpdesk: ";
	size_t at = strlen(ret);

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (*ways[i] && at + strlen(before) + strlen(ways[i]) < TEXT_LINE && at < size) {
			at += (size_t)snprintf(ret + at, size - at, "%s%s", before, ways[i]);
			before = ", ";
		}
}

/* Whoever reads one of these is stuck. */
static void stuck(const struct policy *p, const char *text, struct step *ret)
{
	size_t len = strlen(p->helpdesk);

	snprintf(ret->info, sizeof(ret->info), "%s", text);
	add_helpdesk(p, ret->info, sizeof(ret->info));
	if (strncmp(p->helpdesk, "https://", 8) == 0 && len < sizeof(ret->address))
		memcpy(ret->address, p->helpdesk, len + 1);
}

void text_stuck(const struct policy *p, enum text_stuck which, struct step *ret)
{
	static const char *const texts[] = {
		[STUCK_TOO_MANY] = "Too many tries. Nothing was changed. Try again later, or tomorrow.",
		[STUCK_UNAVAILABLE] = "Password reset is not available now. Nothing was changed.",
		[STUCK_CANCELLED] = "Cancelled. Nothing was changed.",
		[STUCK_EXPIRED] = "Time is up. Nothing was changed. Start again.",
		[STUCK_PASSWORD] = "Too many tries at a new password. Nothing was changed. Start again.",
		[STUCK_UNCHANGED] = "The password could not be changed. Nothing was changed.",
		[STUCK_UNKNOWN] = UNCONFIRMED,
	};

	stuck(p, texts[which], ret);
}

void text_not_resettable(const struct policy *p, enum why why, struct step *ret)
{
	if (why == WHY_NOT_REGISTERED)
		stuck(p, "This account is not registered for password reset.", ret);
	else if (why == WHY_SYNCED || why == WHY_FEDERATED)
		stuck(p, "This account's password is managed elsewhere in your organisation.", ret);
	else
		stuck(p, "This account's password cannot be reset here.", ret);
}

static void gate_line(unsigned int required, const char *what, unsigned int gate, char *ret, size_t size)
{
	if (required == 1)
		snprintf(ret, size, "Reset your password: %s", what);
	else
		snprintf(ret, size, "%sStep %u of %u: %s", gate == 0 ? "Reset your password. " : "", gate + 1, required, what);
}

void text_gate(unsigned int required, const struct method *m, unsigned int gate, char *ret, size_t size)
{
	gate_line(required, m->ask, gate, ret, size);
}

void text_number(unsigned int required, const struct method *m, unsigned int gate, char *ret, size_t size)
{
	gate_line(required, m->ask_number, gate, ret, size);
}

void text_resume(int64_t sent, char *ret, size_t size)
{
	time_t at = (time_t)sent;
	struct tm tm;

	localtime_r(&at, &tm);
	snprintf(ret, size, "Enter the code sent at %02d:%02d, or press Enter for a new one.", tm.tm_hour, tm.tm_min);
}

void text_approval(unsigned int required, unsigned int gate, const char *address, const char *code, char *ret, size_t size)
{
	char step[24] = "";

	if (required > 1)
		snprintf(step, sizeof(step), "Step %u of %u: ", gate + 1, required);
	snprintf(ret, size, "%son your phone, open %s, enter %s and sign in.", step, address, code);
}

void text_menu(const struct flow *f, char *ret, size_t size)
{
	unsigned int number = 0;
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < f->rules->methods_n && at < size; i++)
		if (flow_offers(f, i))
			at += (size_t)snprintf(ret + at, size - at, "%s%u %s", number ? "  " : "", number + 1,
					       f->rules->methods[i]->label),
				number++;
}

static void classes_rule(unsigned int n, char *ret, size_t size)
{
	ret[0] = 0;
	if (n > 1)
		snprintf(ret, size, ", %u of: lower, upper, digits, others", n);
}

/* In every combination below 150 characters. Local accounts never take the present password again. */
void text_rules(const struct policy_password *rules, char *ret, size_t size)
{
	bool history = !rules->ascii || rules->history > 0;
	char more[64];

	classes_rule(rules->min_classes, more, sizeof(more));
	snprintf(ret, size, "Choose a new password: at least %u characters%s, not your name%s%s%s.", rules->min_length, more,
		 rules->protection ? ", no common word" : "", rules->ascii ? ", no accents" : "",
		 history ? ", not one used before" : "");
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
		snprintf(ret, size, "It must not contain your name. Choose another.");
		break;
	case WHY_WORD:
		snprintf(ret, size, "It contains a word that is not allowed here. Choose another.");
		break;
	case WHY_POLICY:
		snprintf(ret, size, "Your organisation does not allow it: too common, or easy to guess. Choose another.");
		break;
	case WHY_BREACHED:
		snprintf(ret, size, "This password is in lists of stolen ones. Choose another.");
		break;
	case WHY_UNREACHABLE:
		snprintf(ret, size, "Lists of stolen passwords cannot be asked now. Nothing was changed. Try again in a moment.");
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

static void utc(int64_t wall, char *ret, size_t size)
{
	time_t at = (time_t)wall;
	struct tm tm;

	ret[0] = 0;
	if (gmtime_r(&at, &tm))
		strftime(ret, size, "%Y-%m-%d %H:%M UTC", &tm);
}

/* ": https://help.example.org, +1 555 0100" or nothing. */
static void whom_to_call(const struct policy *p, char ret[static POLICY_HELPDESK + 2])
{
	char desk[POLICY_HELPDESK];

	policy_helpdesk(p, desk);
	snprintf(ret, POLICY_HELPDESK + 2, "%s%s", *desk ? ": " : "", desk);
}

void text_reset_mail(const struct flow_rules *rules, const struct template *template, int64_t wall, struct job *ret)
{
	struct template_word words[POLICY_WORDS];
	char when[32], desk[POLICY_HELPDESK];

	_Static_assert(TEMPLATE_SUBJECT <= JOB_SUBJECT && TEMPLATE_BODY <= JOB_BODY, "what fills a template fits into a job");
	utc(wall, when, sizeof(when));
	policy_words(rules->policy, rules->host, when, desk, words);
	template_fill(template, words, POLICY_WORDS, ret->subject, ret->body);
}

void text_admin_mail(const struct flow_rules *rules, const char *name, int64_t wall, struct job *ret)
{
	char when[32];

	utc(wall, when, sizeof(when));
	snprintf(ret->subject, sizeof(ret->subject), "An administrator's password was reset at %s", rules->host);
	snprintf(ret->body, sizeof(ret->body),
		 "The password of %s was reset at the login screen of %s, on %s.\n\n"
		 "You get this because the account is one of the administrators of the password reset's policy. If it was not\n"
		 "its owner, block the account at once.\n",
		 name, rules->host, when);
}

void text_pass_mail(const struct flow_rules *rules, int64_t wall, struct job *ret)
{
	char when[32], desk[POLICY_HELPDESK + 2];

	utc(wall, when, sizeof(when));
	whom_to_call(rules->policy, desk);
	snprintf(ret->subject, sizeof(ret->subject), "Your helpdesk gave out a pass for a password reset at %s", rules->host);
	snprintf(ret->body, sizeof(ret->body),
		 "On %s your helpdesk gave somebody who said to be you a pass, which helps to reset your password at the login\n"
		 "screen of %s.\n\n"
		 "If that was you, there is nothing to do. If it was not you, call your helpdesk at once%s.\n"
		 "Nobody from IT will ever ask you for this pass.\n",
		 when, rules->host, desk);
}
