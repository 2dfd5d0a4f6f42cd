// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Plays flow stories. A story is text: what happens ("> ...") and, below it, what the flow makes of it:
 *
 *     story NAME                    a new flow, with the policy's defaults but enabled = all
 *     policy KEY VALUE              required 1 | enabled none | methods a,b | admins a,b | hide no | directory NAME (of type entra) |
 *                                   helpdesk URL | mail ADDRESS | phone NUMBER | history N | organisation WORD | protection no |
 *                                   breached refuse|allow (when the lists cannot be asked)
 *     + 30s                         time passes (s, m, h)
 *     > START keyword|failed NAME [FAILURES]
 *     > ANSWER TEXT                 the rest of the line; nothing for Enter
 *     > DONE lookup|verify|reset|deliver|approval|approve|breached done|refused|unknown [WHY] [registered] [blocked] [mark=M] [resume]
 *                                   [in=DIRECTORY] [address=URL] [code=CODE] [detail=WORD] [names=WORD,WORD]
 *     > TICK
 *     > CANCEL
 *     < fact ... | job ... | ask "INFO" "PROMPT" | hidden ... | end RESULT "INFO" | protocol | state NAME
 *
 * Clock and chance are fixed. With --write the effects are written into the file instead of compared with it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "flow/flow.h"
#include "flow/texts.h"
#include "method/methods.h"

struct player {
	struct policy policy;
	struct flow_rules rules;
	struct flow flow;
	struct moment now;
	struct code kept; /* of the story before, for `resume` */
	unsigned int kept_method, entropy;
	char said[8192]; /* effects since the last event */
	size_t said_len;
	char locale[32];
};

static void say(struct player *p, const char *format, ...) _printf_(2, 3);

static void say(struct player *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	p->said_len += (size_t)vsnprintf(p->said + p->said_len, sizeof(p->said) - p->said_len, format, args);
	va_end(args);
}

static void say_job(struct player *p, const struct job *j)
{
	const char *code = j->channel == CHANNEL_MAIL ? strstr(j->body, "Code: ") : NULL;

	if (j->kind == JOB_NONE)
		return;
	say(p, "< job %s", job_kind_name(j->kind));
	if (j->kind == JOB_LOOKUP || j->kind == JOB_RESET)
		say(p, " %s %s", j->account.name, *j->account.object ? j->account.object : "-");
	if (j->kind == JOB_APPROVAL || j->kind == JOB_APPROVE)
		say(p, " %s", *j->account.directory ? j->account.directory : "-");
	if (j->kind == JOB_DELIVER && code)
		say(p, " %.8s", code + 6);
	if (j->kind == JOB_DELIVER && j->channel != CHANNEL_MAIL)
		say(p, " %s %s %s", j->channel == CHANNEL_SMS ? "sms" : "voice", j->lang, j->code);
	if (j->secret.len > 0)
		say(p, " %s", j->secret.b);
	say(p, "\n");
}

static void say_step(struct player *p, const struct step *s)
{
	static const char *const kinds[] = { [STEP_ASK] = "ask", [STEP_ASK_HIDDEN] = "hidden", [STEP_TELL] = "tell" };
	static const char *const results[] = {
		[RESULT_IGNORE] = "ignore",	[RESULT_DONE] = "done",	  [RESULT_FAILED] = "failed",
		[RESULT_MAXTRIES] = "maxtries", [RESULT_ABORT] = "abort",
	};

	if (s->kind == STEP_END)
		say(p, "< end %s \"%s\"%s%s\n", results[s->result], s->info, *s->address ? " figure of " : "", s->address);
	else if (s->kind != 0)
		say(p, "< %s \"%s\" \"%s\"%s%s%s\n", kinds[s->kind], s->info, s->prompt,
		    s->lost == text_lost_unconfirmed ? " unconfirmed" : "", *s->address ? " figure of " : "", s->address);
}

static void say_effects(struct player *p, int r, const struct effects *e)
{
	static const uint8_t nobody[CRYPTO_MAC];

	if (r == -EPROTO)
		say(p, "< protocol\n");
	for (size_t i = 0; i < e->facts_n; i++)
		say(p, "< fact %s%s%s%s%s%s%s\n", fact_name(e->facts[i].kind), e->facts[i].method ? " " : "",
		    e->facts[i].method ? e->facts[i].method : "", e->facts[i].why ? " " : "",
		    e->facts[i].why ? why_name(e->facts[i].why) : "", e->facts[i].detail ? " : " : "",
		    e->facts[i].detail ? e->facts[i].detail : "");
	say_job(p, &e->job);
	/* A code that no answer can prove anything with. */
	if (e->job.kind == JOB_DELIVER && bytes_equal(p->flow.code.mac, nobody, sizeof(nobody)))
		say(p, "< nobody's code\n");
	say_step(p, &e->step);
}

static void start_story(struct player *p)
{
	p->kept = p->flow.code;
	p->kept_method = p->flow.code_method;
	p->rules = (struct flow_rules){ .policy = &p->policy };
	snprintf(p->rules.host, sizeof(p->rules.host), "lab");
	p->entropy = 1;
	flow_init(&p->flow, &p->rules);
}

static bool knows_riddle(const struct registration *r _unused_)
{
	return true;
}

/* What is no gate for admins, so that the stories have one. */
static const struct method riddle = {
	.name = "riddle", .label = "Riddle", .ask = "a riddle.", .prompt = "Answer: ", .not_for_admins = true, .registered = knows_riddle,
};

static void take_methods(struct player *p)
{
	p->rules.methods_n = 0;
	for (size_t i = 0; i < p->policy.methods.n; i++)
		p->rules.methods[p->rules.methods_n++] = strcmp(p->policy.methods.item[i], riddle.name) == 0 ?
							     &riddle :
							     method_find(p->policy.methods.item[i]);
}

static void set_list(struct conf_list *list, char *value)
{
	list->n = 0;
	for (char *w = strtok(value, ","); w; w = strtok(NULL, ","))
		strcpy(list->item[list->n++], w);
}

static void add_directory(struct policy_directory *d, const char *name)
{
	strcpy(d->name, name);
	d->entra.domains.n = 1;
	snprintf(d->entra.domains.item[0], sizeof(d->entra.domains.item[0]), "%s.com", name);
}

static void set_policy(struct player *p, const char *key, char *value)
{
	if (strcmp(key, "required") == 0)
		p->policy.required = (unsigned int)atoi(value);
	else if (strcmp(key, "enabled") == 0)
		p->policy.enabled = strcmp(value, "none") == 0 ? ENABLED_NONE : ENABLED_ALL;
	else if (strcmp(key, "hide") == 0)
		p->policy.hide_account_state = strcmp(value, "yes") == 0;
	else if (strcmp(key, "locale") == 0)
		snprintf(p->locale, sizeof(p->locale), "%s", value);
	else if (strcmp(key, "history") == 0)
		p->policy.password.history = (unsigned int)atoi(value);
	else if (strcmp(key, "protection") == 0)
		p->policy.password.protection = strcmp(value, "yes") == 0;
	else if (strcmp(key, "organisation") == 0)
		strcpy(p->policy.password.organisation.item[p->policy.password.organisation.n++], value);
	else if (strcmp(key, "breached") == 0) {
		p->policy.password.breached = BREACHED_REFUSE;
		p->policy.password.breached_unreachable = strcmp(value, "allow") == 0 ? UNREACHABLE_ALLOW : UNREACHABLE_REFUSE;
	} else if (strcmp(key, "directory") == 0)
		add_directory(&p->policy.directories[p->policy.directories_n++], value);
	else if (strcmp(key, "helpdesk") == 0)
		snprintf(p->policy.helpdesk, sizeof(p->policy.helpdesk), "%s", value);
	else if (strcmp(key, "mail") == 0)
		snprintf(p->policy.helpdesk_mail, sizeof(p->policy.helpdesk_mail), "%s", value);
	else if (strcmp(key, "phone") == 0)
		snprintf(p->policy.phone, sizeof(p->policy.phone), "%s", value);
	else if (strcmp(key, "methods") == 0)
		set_list(&p->policy.methods, value);
	else if (strcmp(key, "admins") == 0)
		set_list(&p->policy.admins, value);
	else
		abort();
}

static enum why why_of(const char *name)
{
	for (int w = 1; w <= WHY_DECLINED; w++)
		if (strcmp(why_name((enum why)w), name) == 0)
			return (enum why)w;
	return WHY_NONE;
}

static enum job_kind kind_of(const char *name)
{
	for (int k = 1; k <= JOB_NUMBER; k++)
		if (strcmp(job_kind_name((enum job_kind)k), name) == 0)
			return (enum job_kind)k;
	abort();
}

static void read_done(struct player *p, char *words, struct event *ev)
{
	struct job_result *r = &ev->result;
	char *save;

	ev->type = EVENT_DONE;
	ev->job = kind_of(strtok_r(words, " ", &save));
	r->account = p->flow.account;
	for (char *w = strtok_r(NULL, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "done") == 0)
			r->outcome = OUTCOME_DONE;
		else if (strcmp(w, "refused") == 0)
			r->outcome = OUTCOME_REFUSED;
		else if (strcmp(w, "unknown") == 0)
			r->outcome = OUTCOME_UNKNOWN;
		else if (strcmp(w, "registered") == 0)
			ev->registered = true;
		else if (strcmp(w, "blocked") == 0)
			ev->blocked = true;
		else if (strncmp(w, "mark=", 5) == 0)
			snprintf(r->account.mark, sizeof(r->account.mark), "%s", w + 5);
		else if (strncmp(w, "in=", 3) == 0)
			snprintf(r->account.directory, sizeof(r->account.directory), "%s", w + 3);
		else if (strncmp(w, "address=", 8) == 0)
			snprintf(r->address, sizeof(r->address), "%s", w + 8);
		else if (strncmp(w, "code=", 5) == 0)
			snprintf(r->code, sizeof(r->code), "%s", w + 5);
		else if (strncmp(w, "detail=", 7) == 0)
			snprintf(r->detail, sizeof(r->detail), "%s", w + 7);
		else if (strncmp(w, "names=", 6) == 0)
			snprintf(r->names, sizeof(r->names), "%s", w + 6);
		else if (strcmp(w, "resume") == 0) {
			ev->resume = &p->kept;
			ev->resume_method = p->kept_method;
		} else
			r->why = why_of(w);
	}
	if (ev->job == JOB_LOOKUP && r->why != WHY_NO_ACCOUNT && r->why != WHY_MISCONFIGURED) {
		if (!*r->account.directory)
			strcpy(r->account.directory, "local");
		strcpy(r->account.object, "1000");
	}
}

static void read_start(const struct player *p, char *words, struct event *ev)
{
	char *save, *n;

	ev->type = EVENT_START;
	ev->locale = p->locale;
	ev->reason = strcmp(strtok_r(words, " ", &save), "keyword") == 0 ? REASON_KEYWORD : REASON_FAILED;
	ev->name = strtok_r(NULL, " ", &save);
	n = strtok_r(NULL, " ", &save);
	ev->failures = n ? (unsigned int)atoi(n) : 1;
}

static void happen(struct player *p, char *line)
{
	static struct effects effects;
	struct secret answer = {};
	struct event ev = { .now = p->now };
	char *rest = strchr(line, ' ');

	rest = rest ? rest + 1 : line + strlen(line);
	memset(ev.entropy, (int)p->entropy++, sizeof(ev.entropy));
	if (strncmp(line, "START", 5) == 0)
		read_start(p, rest, &ev);
	else if (strncmp(line, "ANSWER", 6) == 0) {
		ev.type = EVENT_ANSWER;
		ev.answer = &answer;
		secret_set(&answer, rest, strlen(rest));
	} else if (strncmp(line, "DONE", 4) == 0)
		read_done(p, rest, &ev);
	else if (strcmp(line, "TICK") == 0)
		ev.type = EVENT_TICK;
	else if (strcmp(line, "CANCEL") == 0)
		ev.type = EVENT_CANCEL;
	else
		abort();
	say_effects(p, flow_dispatch(&p->flow, &ev, &effects), &effects);
	if (flow_over(&p->flow))
		say(p, "< over\n");
}

static void pass_time(struct player *p, const char *text)
{
	int64_t seconds = 0;

	if (conf_duration(text, &seconds) < 0)
		abort();
	p->now.boot += seconds * 1000;
	p->now.wall += seconds;
	p->now.lasting += seconds;
}

static void reset_player(struct player *p, const struct policy *defaults)
{
	struct code code = p->flow.code;
	unsigned int method = p->flow.code_method;

	p->policy = *defaults;
	p->policy.enabled = ENABLED_ALL;
	*p->locale = 0;
	start_story(p);
	p->kept = code;
	p->kept_method = method;
	take_methods(p);
}

static void command(struct player *p, const struct policy *defaults, char *line)
{
	char *key, *value;

	if (strncmp(line, "story ", 6) == 0) {
		reset_player(p, defaults);
	} else if (strncmp(line, "policy ", 7) == 0) {
		key = strtok(line + 7, " ");
		value = strtok(NULL, "");
		set_policy(p, key, value);
		take_methods(p);
	} else if (line[0] == '+') {
		pass_time(p, line + 2);
	} else if (line[0] == '>') {
		happen(p, line + 2);
	}
}

/* The whole story as it really goes, with the effects that really come. */
static char *play(const char *text, const struct policy *defaults)
{
	struct player p = { .now = { .boot = 1000000, .wall = 1800000000, .lasting = 1800000000 } };
	size_t size = strlen(text) + (1u << 20), at = 0;
	char *copy = strdup(text), *out = calloc(1, size), *save, *line;

	for (line = copy; line; line = save) {
		char kept[1024];

		save = strchr(line, '\n');
		if (save)
			*save++ = 0;
		else if (!*line)
			break;
		if (line[0] == '<')
			continue;
		snprintf(kept, sizeof(kept), "%s", line);
		p.said_len = 0;
		p.said[0] = 0;
		command(&p, defaults, line);
		at += (size_t)snprintf(out + at, size - at, "%s\n%s", kept, p.said);
	}
	free(copy);
	return out;
}

static void show_difference(const char *path, const char *expected, const char *real)
{
	unsigned int line = 1;

	while (*expected && *expected == *real) {
		line += *expected == '\n';
		expected++;
		real++;
	}
	while (line > 1 && expected[-1] != '\n') {
		expected--;
		real--;
	}
	printf("%s:%u: differs\n  story: %.*s\n  flow:  %.*s\n", path, line, (int)strcspn(expected, "\n"), expected,
	       (int)strcspn(real, "\n"), real);
}

static char *slurp(const char *path)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char *text = calloc(1, 1u << 20);

	if (!f || !text || fread(text, 1, (1u << 20) - 1, f) == 0) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	return text;
}

static void spill(const char *path, const char *text)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0)
		exit(1);
}

static void mute(void *to _unused_, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

/* The defaults are what an empty configuration gives. */
static void read_defaults(struct policy *ret)
{
	struct conf_report report = { .say = mute };
	char path[] = "/tmp/sspr-flow-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || policy_read(path, ret, &report) != 0)
		exit(1);
	close(fd);
	unlink(path);
}

int main(int argc, char **argv)
{
	bool writes = argc > 1 && strcmp(argv[1], "--write") == 0;
	struct policy defaults;
	int failed = 0;

	setenv("TZ", "UTC", 1);
	read_defaults(&defaults);
	for (int i = writes ? 2 : 1; i < argc; i++) {
		_cleanup_(freep) char *expected = slurp(argv[i]), *real = play(expected, &defaults);

		if (writes)
			spill(argv[i], real);
		else if (strcmp(expected, real) != 0) {
			show_difference(argv[i], expected, real);
			failed = 1;
		}
	}
	return failed;
}
