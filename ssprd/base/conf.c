// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CONF_SEEN_MAX 128

/* The line where this file set a key. */
struct conf_seen {
	const void *value;
	unsigned int line;
};

/* One file being read. inih does not tell the handler where it is, so the reader counts. */
struct conf_reading {
	const char *path;
	FILE *file;
	unsigned int line;
	const struct conf_table *table;
	struct conf_report *report;
	size_t seen_n;
	struct conf_seen seen[CONF_SEEN_MAX];
	bool told; /* that there is no such section as the present one */
};

/* The keys of one section, and where its values stand. */
struct conf_section {
	const struct conf_key *keys;
	size_t n;
	void *values;
	bool of_family;
};

void conf_complain(struct conf_report *report, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	report->mistakes++;
	report->say(report->to, line);
}

int conf_duration(const char *text, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long n;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || n > INT_MAX || *end == 0 || end[1] != 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].unit == *end) {
			*ret = n * units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

static void duration_text(int64_t seconds, char *ret, size_t size)
{
	const char *unit = "s";

	if (seconds % 86400 == 0 && seconds >= 86400) {
		seconds /= 86400;
		unit = "d";
	} else if (seconds % 3600 == 0 && seconds >= 3600) {
		seconds /= 3600;
		unit = "h";
	} else if (seconds % 60 == 0 && seconds >= 60) {
		seconds /= 60;
		unit = "m";
	}
	snprintf(ret, size, "%" PRId64 "%s", seconds, unit);
}

static int choice_index(const char *const *choices, const char *value, unsigned int *ret)
{
	for (unsigned int i = 0; choices[i]; i++)
		if (strcmp(choices[i], value) == 0) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

static void choices_text(const char *const *choices, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; choices[i] && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s%s", i ? ", " : "", choices[i]);
}

static int set_string(const struct conf_key *k, const char *value, void *to, char *right, size_t size)
{
	const char *wrong = k->wrong ? k->wrong(value) : NULL;

	if (wrong || strlen(value) >= CONF_TEXT) {
		snprintf(right, size, "%s", wrong ? wrong : "a shorter text");
		return -EINVAL;
	}
	memset(to, 0, CONF_TEXT);
	memcpy(to, value, strlen(value));
	return 0;
}

static int set_bool(const struct conf_key *k _unused_, const char *value, void *to, char *right, size_t size)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		snprintf(right, size, "yes or no");
		return -EINVAL;
	}
	*(bool *)to = value[0] == 'y';
	return 0;
}

static int set_number(const struct conf_key *k, const char *value, void *to, char *right, size_t size)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != 0 || n < k->min || n > k->max) {
		snprintf(right, size, "a number from %" PRId64 " to %" PRId64, k->min, k->max);
		return -EINVAL;
	}
	*(unsigned int *)to = (unsigned int)n;
	return 0;
}

static int set_duration(const struct conf_key *k, const char *value, void *to, char *right, size_t size)
{
	char min[32], max[32];
	int64_t n;

	if (conf_duration(value, &n) < 0 || n < k->min || n > k->max) {
		duration_text(k->min, min, sizeof(min));
		duration_text(k->max, max, sizeof(max));
		snprintf(right, size, "a time from %s to %s, like 90s, 5m, 24h or 7d", min, max);
		return -EINVAL;
	}
	*(int64_t *)to = n;
	return 0;
}

static int set_choice(const struct conf_key *k, const char *value, void *to, char *right, size_t size)
{
	if (choice_index(k->choices, value, to) == 0)
		return 0;
	snprintf(right, size, "one of: ");
	choices_text(k->choices, right + 8, size - 8);
	return -EINVAL;
}

static const char *word_wrong(const struct conf_key *k, const struct conf_list *list, const char *word, char *right,
			      size_t size)
{
	unsigned int index;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], word) == 0)
			return "each word only once";
	if (list->n == CONF_LIST || strlen(word) >= sizeof(list->item[0]))
		return "at most 32 words of at most 63 bytes";
	if (k->wrong && k->wrong(word))
		return k->wrong(word);
	if (!k->choices || choice_index(k->choices, word, &index) == 0)
		return NULL;
	snprintf(right, size, "words out of: ");
	choices_text(k->choices, right + 14, size - 14);
	return right;
}

static int set_words(const struct conf_key *k, const char *value, void *to, char *right, size_t size)
{
	struct conf_list list = {};
	char copy[INI_MAX_LINE], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", value);
	for (char *w = strtok_r(copy, " \t,", &save); w; w = strtok_r(NULL, " \t,", &save)) {
		const char *wrong = word_wrong(k, &list, w, right, size);

		if (wrong) {
			if (wrong != right)
				snprintf(right, size, "%s", wrong);
			return -EINVAL;
		}
		memcpy(list.item[list.n++], w, strlen(w) + 1);
	}
	memcpy(to, &list, sizeof(list));
	return 0;
}

static int set_value(const struct conf_key *k, const char *value, void *to, char *right, size_t size)
{
	static int (*const set[])(const struct conf_key *, const char *, void *, char *, size_t) = {
		[CONF_STRING] = set_string,	[CONF_BOOL] = set_bool,	    [CONF_NUMBER] = set_number,
		[CONF_DURATION] = set_duration, [CONF_CHOICE] = set_choice, [CONF_WORDS] = set_words,
	};

	return set[k->kind](k, value, to, right, size);
}

static bool has_keys(const struct conf_table *t, const char *section)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->keys[i].section, section) == 0)
			return true;
	return false;
}

/* False, and what would be right (NULL: nothing in particular), when there is no such section. */
static bool find_section(const struct conf_table *t, const char *section, struct conf_section *ret,
			 const char **ret_right)
{
	const struct conf_family *f = t->family;
	void *values;

	*ret_right = NULL;
	if (has_keys(t, section)) {
		*ret = (struct conf_section){ .keys = t->keys, .n = t->n, .values = t->values };
		return true;
	}
	if (!f || strncmp(section, f->prefix, strlen(f->prefix)) != 0)
		return false;
	values = f->place(t->values, section + strlen(f->prefix), ret_right);
	*ret = (struct conf_section){ .keys = f->keys, .n = f->n, .values = values, .of_family = true };
	return values != NULL;
}

static bool key_is_of(const struct conf_section *s, const struct conf_key *k, const char *section)
{
	return s->of_family || strcmp(k->section, section) == 0;
}

static void section_keys(const struct conf_section *s, const char *section, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < s->n && at < size; i++)
		if (key_is_of(s, &s->keys[i], section))
			at += (size_t)snprintf(ret + at, size - at, "%s%s", at ? ", " : "", s->keys[i].key);
}

static void no_section(struct conf_reading *reading, const char *section, const char *right)
{
	if (right)
		conf_complain(reading->report, "%s:%u: [%s] must be %s", reading->path, reading->line, section, right);
	else
		conf_complain(reading->report, "%s:%u: there is no section [%s]", reading->path, reading->line, section);
}

static const struct conf_key *find_key(const struct conf_section *s, const char *section, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (key_is_of(s, &s->keys[i], section) && strcmp(s->keys[i].key, key) == 0)
			return &s->keys[i];
	return NULL;
}

/* The line where this file has set it already; 0, and noted, when it has not. */
static unsigned int seen_before(struct conf_reading *reading, const void *value)
{
	for (size_t i = 0; i < reading->seen_n; i++)
		if (reading->seen[i].value == value)
			return reading->seen[i].line;
	if (reading->seen_n < CONF_SEEN_MAX)
		reading->seen[reading->seen_n++] = (struct conf_seen){ .value = value, .line = reading->line };
	return 0;
}

static void on_known_key(struct conf_reading *reading, const struct conf_key *k, void *to, const char *section,
			 const char *value)
{
	unsigned int before = seen_before(reading, to);
	char right[256];

	if (before)
		conf_complain(reading->report, "%s:%u: [%s] %s was set in line %u already", reading->path, reading->line,
			      section, k->key, before);
	else if (set_value(k, value, to, right, sizeof(right)) < 0)
		conf_complain(reading->report, "%s:%u: [%s] %s = %s: must be %s", reading->path, reading->line, section,
			      k->key, value, right);
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	struct conf_reading *reading = user;
	struct conf_section s;
	const struct conf_key *k;
	const char *right;
	char known[384];

	if (!*section) {
		conf_complain(reading->report, "%s:%u: '%s' stands before the first [section]", reading->path,
			      reading->line, key);
		return 1;
	}
	if (!find_section(reading->table, section, &s, &right)) {
		if (!reading->told)
			no_section(reading, section, right);
		return 1;
	}
	k = find_key(&s, section, key);
	if (k) {
		on_known_key(reading, k, (char *)s.values + k->offset, section, value ? value : "");
		return 1;
	}
	section_keys(&s, section, known, sizeof(known));
	conf_complain(reading->report, "%s:%u: [%s] has no key '%s'; it has: %s", reading->path, reading->line, section,
		      key, known);
	return 1;
}

/* inih says nothing of a section without keys. */
static void check_section(struct conf_reading *reading, const char *line)
{
	const char *end = line[0] == '[' ? strchr(line, ']') : NULL;
	struct conf_section found;
	const char *right;
	char section[64];

	if (!end)
		return;
	snprintf(section, sizeof(section), "%.*s", (int)(end - line - 1), line + 1);
	reading->told = !find_section(reading->table, section, &found, &right);
	if (reading->told)
		no_section(reading, section, right);
}

static char *next_line(char *to, int size, void *stream)
{
	struct conf_reading *reading = stream;
	char *line = fgets(to, size, reading->file);
	size_t len;
	int c;

	if (!line)
		return NULL;
	reading->line++;
	len = strlen(line);
	if (len == 0 || line[len - 1] == '\n' || feof(reading->file)) {
		check_section(reading, line + strspn(line, " \t"));
		return line;
	}
	conf_complain(reading->report, "%s:%u: a line has at most %d bytes", reading->path, reading->line, size - 2);
	while ((c = fgetc(reading->file)) != EOF && c != '\n')
		;
	/* inih is to see nothing of it. */
	line[0] = '\n';
	line[1] = 0;
	return line;
}

int conf_open(const char *path, struct conf_report *report, FILE **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		conf_complain(report, "%s: cannot be read: %s", path, strerror(errno));
		closep(&fd);
		return -ENOENT;
	}
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		conf_complain(report, "%s: must be a file of root that nobody else may write (chown root, chmod go-w)",
			      path);
		close(fd);
		return -EPERM;
	}
	*ret = fdopen(fd, "re");
	if (!*ret)
		close(fd);
	return *ret ? 0 : -ENOMEM;
}

static void read_file(const char *path, const struct conf_table *table, struct conf_report *report)
{
	_cleanup_(fclosep) FILE *file = NULL;
	struct conf_reading reading = { .path = path, .table = table, .report = report };
	int r;

	if (conf_open(path, report, &file) < 0)
		return;
	reading.file = file;
	r = ini_parse_stream(next_line, &reading, on_key, &reading);
	if (r > 0)
		conf_complain(report, "%s:%d: is neither [section] nor key = value", path, r);
}

/* Without the blanks around it. */
static char *trim(char *line)
{
	size_t len;

	line += strspn(line, " \t\r\n");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		line[--len] = 0;
	return line;
}

int conf_read_lines(const char *path, const char *(*take)(void *to, const char *line), void *to, struct conf_report *report)
{
	_cleanup_(fclosep) FILE *file = NULL;
	_cleanup_(freep) char *buffer = NULL;
	size_t size = 0, before = report->mistakes;
	unsigned int number = 0;
	ssize_t n;

	if (conf_open(path, report, &file) < 0)
		return 1;
	while ((n = getline(&buffer, &size, file)) >= 0) {
		bool whole = !memchr(buffer, 0, (size_t)n);
		const char *line = trim(buffer), *right;

		number++;
		right = !whole ? "text" : !*line || *line == '#' ? NULL : take(to, line);
		if (right)
			conf_complain(report, "%s:%u: must be %s", path, number, right);
	}
	if (ferror(file))
		conf_complain(report, "%s: cannot be read to its end", path);
	return report->mistakes > before ? 1 : 0;
}

static int is_drop_in(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".conf") == 0;
}

static void read_drop_ins(const char *path, const struct conf_table *table, struct conf_report *report)
{
	char directory[PATH_MAX], file[PATH_MAX];
	struct dirent **found;
	int n;

	snprintf(directory, sizeof(directory), "%s.d", path);
	n = scandir(directory, &found, is_drop_in, alphasort);
	if (n < 0) {
		/* A daemon that may not look into it must not run as if it were empty. */
		if (errno != ENOENT)
			conf_complain(report, "%s: cannot be read: %s", directory, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", directory, found[i]->d_name) < sizeof(file))
			read_file(file, table, report);
		free(found[i]);
	}
	free(found);
}

int conf_read(const char *path, const struct conf_table *table, struct conf_report *report)
{
	size_t before = report->mistakes;

	read_file(path, table, report);
	read_drop_ins(path, table, report);
	return report->mistakes > before ? 1 : 0;
}
