// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/template.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define TEMPLATE_FILE 8192
#define SUBJECT "Subject: "

struct reading {
	const char *where;
	unsigned int line;
	const struct template_word *words;
	size_t n, subject, body; /* bytes that the mail may get */
	struct conf_report *report;
	struct template made;
};

/* One piece of a line: a word, or as it stands. */
struct piece {
	const char *text;
	size_t len;
	const struct template_word *word; /* or NULL */
	bool unknown;
};

static const struct template_word *find_word(const struct template_word *words, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i].name) == len && strncmp(words[i].name, name, len) == 0)
			return &words[i];
	return NULL;
}

/* The piece that begins at `s`, which ends at `end`; returns where the next one begins. */
static const char *next_piece(const char *s, const char *end, const struct template_word *words, size_t n, struct piece *ret)
{
	const char *close;

	if (*s != '%') {
		const char *percent = memchr(s, '%', (size_t)(end - s));

		*ret = (struct piece){ .text = s, .len = (size_t)((percent ? percent : end) - s) };
		return s + ret->len;
	}
	close = s + 1 < end ? memchr(s + 1, '%', (size_t)(end - s - 1)) : NULL;
	if (!close) {
		*ret = (struct piece){ .text = s, .len = (size_t)(end - s), .unknown = true };
		return end;
	}
	*ret = (struct piece){ .text = s, .len = 1 };
	if (close > s + 1) {
		ret->word = find_word(words, n, s + 1, (size_t)(close - s - 1));
		ret->unknown = !ret->word;
		ret->len = (size_t)(close - s + 1);
	}
	return close + 1;
}

static void complain_of_word(struct reading *r, const struct piece *p)
{
	char known[160];
	size_t at = 0;

	for (size_t i = 0; i < r->n && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%%%s%%", i ? ", " : "", r->words[i].name);
	conf_complain(r->report, "%s:%u: %.*s is no placeholder; there are: %s, and %%%% for a percent sign", r->where, r->line,
		      (int)(p->len < 40 ? p->len : 40), p->text, known);
}

/* How long the line may get. */
static size_t judge_line(struct reading *r, const char *s, const char *end)
{
	struct piece p;
	size_t most = 1;

	if (!text_printable(s, (size_t)(end - s)))
		conf_complain(r->report, "%s:%u: must be UTF-8 without control characters", r->where, r->line);
	while (s < end) {
		s = next_piece(s, end, r->words, r->n, &p);
		if (p.unknown)
			complain_of_word(r, &p);
		most += p.word ? p.word->most : p.len;
	}
	return most;
}

static void take_subject(struct reading *r, const char *s, const char *end)
{
	const size_t head = sizeof(SUBJECT) - 1;

	if ((size_t)(end - s) <= head || strncmp(s, SUBJECT, head) != 0) {
		conf_complain(r->report, "%s:%u: must be 'Subject: TEXT'", r->where, r->line);
		return;
	}
	r->subject = judge_line(r, s + head, end);
	if (r->subject > TEMPLATE_SUBJECT)
		conf_complain(r->report, "%s:%u: the subject can get %zu bytes long, at most %d fit", r->where, r->line, r->subject - 1,
			      TEMPLATE_SUBJECT - 1);
	snprintf(r->made.subject, sizeof(r->made.subject), "%.*s", (int)(end - s - (ptrdiff_t)head), s + head);
}

static void take_body_line(struct reading *r, const char *s, const char *end)
{
	size_t before = r->body, at = strlen(r->made.body);

	r->body += judge_line(r, s, end);
	if (before < TEMPLATE_BODY && r->body >= TEMPLATE_BODY)
		conf_complain(r->report, "%s:%u: the text can get longer than %d bytes up to here", r->where, r->line,
			      TEMPLATE_BODY - 1);
	snprintf(r->made.body + at, sizeof(r->made.body) - at, "%.*s\n", (int)(end - s), s);
}

/* Which part of the file a line is. */
enum part {
	PART_SUBJECT,
	PART_BLANK,
	PART_BODY,
};

static enum part take_line(struct reading *r, enum part part, const char *s, const char *end)
{
	if (part == PART_SUBJECT && s < end && *s == '#')
		return PART_SUBJECT;
	if (part == PART_SUBJECT)
		take_subject(r, s, end);
	else if (part == PART_BLANK && s < end)
		conf_complain(r->report, "%s:%u: must be empty, between the subject and the text", r->where, r->line);
	else if (part == PART_BODY)
		take_body_line(r, s, end);
	return part == PART_SUBJECT ? PART_BLANK : PART_BODY;
}

int template_parse(const char *where, const char *text, const struct template_word *words, size_t n, struct conf_report *report,
		   struct template *ret)
{
	struct reading r = { .where = where, .words = words, .n = n, .report = report };
	enum part part = PART_SUBJECT;
	size_t before = report->mistakes;

	for (const char *s = text; *s;) {
		const char *end = s + strcspn(s, "\n");

		r.line++;
		part = take_line(&r, part, s, end);
		s = *end ? end + 1 : end;
	}
	if (report->mistakes == before && r.body == 0)
		conf_complain(report, "%s:%u: needs 'Subject: TEXT', an empty line, and the text", where, r.line);
	if (report->mistakes > before)
		return 1;
	*ret = r.made;
	return 0;
}

int template_read(const char *path, const struct template_word *words, size_t n, struct conf_report *report, struct template *ret)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char text[TEMPLATE_FILE];
	size_t len;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return -ENOENT;
	if (conf_open(path, report, &f) < 0)
		return 1;
	len = fread(text, 1, sizeof(text), f);
	if (len == sizeof(text) || memchr(text, 0, len)) {
		conf_complain(report, "%s: must be a text of less than %zu bytes", path, sizeof(text));
		return 1;
	}
	text[len] = 0;
	return template_parse(path, text, words, n, report, ret);
}

static bool has_nothing_to_say(const char *s, const char *end, const struct template_word *words, size_t n)
{
	struct piece p;

	while (s < end) {
		s = next_piece(s, end, words, n, &p);
		if (p.word && !*p.word->value)
			return true;
	}
	return false;
}

static size_t fill_line(const char *s, const char *end, const struct template_word *words, size_t n, char *ret, size_t size)
{
	struct piece p;
	size_t at = 0;

	while (s < end && at < size) {
		s = next_piece(s, end, words, n, &p);
		at += (size_t)snprintf(ret + at, size - at, "%.*s", p.word ? (int)p.word->most : (int)p.len,
				       p.word ? p.word->value : p.text);
	}
	return at < size ? at : size - 1;
}

void template_fill(const struct template *t, const struct template_word *words, size_t n, char ret_subject[static TEMPLATE_SUBJECT],
		   char ret_body[static TEMPLATE_BODY])
{
	size_t at = 0;

	ret_subject[0] = ret_body[0] = 0;
	fill_line(t->subject, t->subject + strlen(t->subject), words, n, ret_subject, TEMPLATE_SUBJECT);
	for (const char *s = t->body; *s && at + 1 < TEMPLATE_BODY;) {
		const char *end = s + strcspn(s, "\n");

		if (!has_nothing_to_say(s, end, words, n)) {
			at += fill_line(s, end, words, n, ret_body + at, TEMPLATE_BODY - at - 1);
			ret_body[at++] = '\n';
			ret_body[at] = 0;
		}
		s = *end ? end + 1 : end;
	}
}
