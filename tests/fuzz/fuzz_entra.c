// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * Whatever a tenant and a user say: no verdict is for the account without the very words that it needs, what is kept of an answer
 * is whole and printable, and a typed name becomes a principal name that stands for one segment of a path.
 *
 *     what was typed LF  lines of a map file, up to the first { or [  JSON
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "directory/entra_judge.h"
#include "directory/entra_name.h"

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

#define GROUP "0a53828f-36c9-44c3-be3d-99a7fce977ac"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the log's own, so that a wrong line of the map costs no output. */
void log_line(int priority, const char *format, ...)
{
	char line[512];
	va_list ap;

	MUST(priority >= LOG_EMERG && priority <= LOG_DEBUG);
	va_start(ap, format);
	MUST(vsnprintf(line, sizeof(line), format, ap) > 0);
	va_end(ap);
}

/* Of an array of this size. */
static bool is_whole(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	return len < size && text_printable(text, len);
}

#define WHOLE(a) is_whole(a, sizeof(a))

/* ---- names ---- */

static bool is_segment(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at > name && at[1] && !strchr(at + 1, '@') && strspn(name, LETTERS "'.-_!#^~@") == strlen(name);
}

static bool is_domain(const struct policy_entra *p, const char *name)
{
	for (size_t i = 0; i < p->domains.n; i++)
		if (strcasecmp(strchr(name, '@') + 1, p->domains.item[i]) == 0)
			return true;
	return false;
}

static void name_look(const struct policy_entra *p, const char *typed)
{
	char name[ACCOUNT_NAME];
	int r;

	memset(name, 'x', sizeof(name));
	r = entra_name(p, typed, name);
	MUST(r <= 1);
	if (r != 0)
		return;
	MUST(WHOLE(name) && is_segment(name));
	MUST(!strchr(typed, '@') || (strcmp(name, typed) == 0 && is_domain(p, name)));
	MUST(*p->map_file || is_domain(p, name));
	MUST(entra_same_name(name, name));
}

static void names_look(const char *typed, const char *map, size_t len)
{
	static const char *const templates[] = { "", "x-%u@contoso.com", "%u@contoso.com" };
	struct policy_entra p = { .domains = { .n = 2, .item = { "contoso.com", "Contoso.onmicrosoft.com" } } };
	_cleanup_(closep) int fd = memfd_create("map", MFD_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
		snprintf(p.template, sizeof(p.template), "%s", templates[i]);
		name_look(&p, typed);
	}
	if (fd < 0 || write(fd, map, len) != (ssize_t)len)
		return;
	snprintf(p.map_file, sizeof(p.map_file), "/proc/self/fd/%d", fd);
	name_look(&p, typed);
}

/* ---- verdicts ---- */

static bool is_word(const struct json *object, const char *name, const char *word)
{
	const char *text = json_text_of(object, name);

	return text && strcasecmp(text, word) == 0;
}

static void user_look(const struct json *user)
{
	enum why why = entra_judge_user(user);
	const char *name = json_text_of(user, "userPrincipalName");

	MUST(why == WHY_NONE || why == WHY_BROKEN || why == WHY_PROTECTED || why == WHY_LOCKED || why == WHY_SYNCED);
	if (why != WHY_NONE && why != WHY_SYNCED)
		return;
	MUST(name && !strcasestr(name, "#EXT#"));
	MUST(strcmp(json_text_of(user, "userType"), "Member") == 0);
	MUST(json_is_true(json_member(user, "accountEnabled")));
	MUST(json_is_true(json_member(user, "onPremisesSyncEnabled")) == (why == WHY_SYNCED));
	MUST(why == WHY_SYNCED || !json_member(user, "onPremisesSyncEnabled") || json_is_false(json_member(user, "onPremisesSyncEnabled")));
}

static void account_look(const struct json *user)
{
	struct account a, before;

	memset(&before, 'x', sizeof(before));
	a = before;
	if (!entra_account(user, &a)) {
		MUST(memcmp(&a, &before, sizeof(a)) == 0);
		return;
	}
	MUST(WHOLE(a.object) && WHOLE(a.name) && WHOLE(a.mark) && entra_is_guid(a.object) && *a.name && *a.mark);
	MUST(strcmp(a.name, json_text_of(user, "userPrincipalName")) == 0);
	MUST(!json_member(user, "lastPasswordChangeDateTime") || json_text_of(user, "lastPasswordChangeDateTime"));
	MUST(memcmp(a.directory, before.directory, sizeof(a.directory)) == 0);
}

static bool has_group(const struct json *value)
{
	for (size_t i = 0; i < json_length(value); i++) {
		const char *id = json_text(json_item(value, i));

		if (id && strcasecmp(id, GROUP) == 0)
			return true;
	}
	return false;
}

static void list_look(const struct json *list)
{
	const struct json *value = json_member(list, "value");
	enum why protection = entra_judge_protection(list), scope = entra_judge_scope(list, GROUP);

	if (!json_is_array(value)) {
		MUST(protection == WHY_BROKEN && scope == WHY_BROKEN);
		return;
	}
	MUST(protection == (json_length(value) == 0 ? WHY_NONE : WHY_PROTECTED));
	MUST(scope == (has_group(value) ? WHY_NONE : WHY_NOT_IN_SCOPE));
}

static void group_look(const struct json *list)
{
	const struct json *value = json_member(list, "value");
	char id[ACCOUNT_OBJECT];
	int r = entra_group_id(list, id);

	MUST(r == 0 || r == -EBADMSG || r == -ENOENT || r == -ENOTUNIQ);
	MUST((r == -ENOENT) == (json_is_array(value) && json_length(value) == 0));
	MUST((r == -ENOTUNIQ) == (json_length(value) > 1));
	MUST(r != 0 || (WHOLE(id) && entra_is_guid(id) && strcmp(id, json_text_of(json_item(value, 0), "id")) == 0));
}

static void others_look(const struct json *j)
{
	const struct json *wrapped = json_member(j, "value");
	enum why domain = entra_judge_domain(j), registration = entra_judge_registration(j);

	MUST(domain == WHY_NONE || domain == WHY_FEDERATED || domain == WHY_BROKEN);
	MUST((domain == WHY_NONE) == is_word(j, "authenticationType", "Managed"));
	MUST(registration == (json_is_true(json_member(wrapped ? wrapped : j, "isSsprCapable")) ? WHY_NONE : WHY_NOT_CAPABLE));
}

/* ---- contacts ---- */

static bool is_phone(const char *number)
{
	return !*number || (*number == '+' && strspn(number + 1, "0123456789 ") == strlen(number + 1));
}

static void contacts_look(enum policy_contacts contacts, const struct json *j)
{
	struct job_result r = {};

	entra_contacts(contacts, j, j, j, &r);
	MUST(WHOLE(r.mail) && WHOLE(r.mobile) && WHOLE(r.office));
	MUST(!*r.mail || text_mail_address(r.mail));
	MUST(is_phone(r.mobile) && is_phone(r.office));
	MUST(contacts != CONTACTS_NONE || (!*r.mail && !*r.mobile && !*r.office));
	MUST(contacts != CONTACTS_REGISTERED || json_is_array(json_member(j, "value")) || (!*r.mail && !*r.mobile && !*r.office));
}

static void person_look(const struct json *j)
{
	char names[JOB_NAMES];

	memset(names, 'x', sizeof(names));
	entra_names(j, names);
	MUST(WHOLE(names) && text_printable(names, strlen(names)));
}

static void judge(const struct json *j)
{
	person_look(j);
	user_look(j);
	account_look(j);
	list_look(j);
	group_look(j);
	others_look(j);
	for (enum policy_contacts c = CONTACTS_NONE; c <= CONTACTS_PROFILE; c++)
		contacts_look(c, j);
}

/* ---- JSON ---- */

static bool is_text(const char *text, size_t len)
{
	uint32_t c;

	for (size_t n; len > 0; text += n, len -= n) {
		n = text_utf8(text, len, &c);
		if (n == 0)
			return false;
	}
	return true;
}

/* What is written is read as the same, and is never cut. */
static void writer_look(const char *text, size_t len, size_t size)
{
	_cleanup_(json_freep) struct json *j = NULL;
	_cleanup_(freep) char *b = calloc(1, size + 1);
	struct json_writer w = { .b = b, .size = size };

	json_string(&w, text, len);
	MUST(w.len == strlen(b) && w.len <= size);
	if (w.failed)
		return;
	MUST(is_text(text, len) && json_parse(b, w.len, &j) == 0);
	MUST(json_text(j) ? strcmp(json_text(j), text) == 0 : strlen(text) < len);
}

static void json_look(const char *text, size_t len)
{
	_cleanup_(json_freep) struct json *j = NULL;

	if (json_parse(text, len, &j) == 0)
		MUST(j && is_text(text, len) && !memchr(text, 0, len));
	else
		MUST(!j);
	/* Nothing there is no reason for anything. */
	judge(j);
	judge(json_item(json_member(j, "value"), 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = malloc(size + 1);
	const char *line, *map, *json, *end = text + size;

	memcpy(text, data, size);
	text[size] = 0;
	writer_look(text, size, size > 0 ? data[0] * 4u : 0);
	line = memchr(text, '\n', size);
	map = line ? line + 1 : end;
	for (json = map; json < end && *json != '{' && *json != '['; json++)
		;
	json_look(json, (size_t)(end - json));
	if (line)
		text[line - text] = 0;
	names_look(text, map, (size_t)(json - map));
	return 0;
}
