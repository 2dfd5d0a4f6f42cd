// SPDX-License-Identifier: LGPL-2.1-or-later
/* The configuration file: every mistake is told with file, line, and what would be right. */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "flow/policy.h"

struct told {
	char text[8192];
	size_t lines;
};

static char folder[] = "/tmp/sspr-policy-XXXXXX";
static char file[64];

static void hear(void *to, const char *line)
{
	struct told *t = to;
	size_t at = strlen(t->text);

	snprintf(t->text + at, sizeof(t->text) - at, "%s\n", line);
	t->lines++;
}

static void write_file(const char *path, const char *text)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
}

static int read_text(const char *text, struct policy *ret, struct told *told)
{
	struct conf_report report = { .say = hear, .to = told };

	*told = (struct told){};
	write_file(file, text);
	return policy_read(file, ret, &report);
}

static void an_empty_file_gives_the_defaults(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("", &p, &told), 0);
	assert_int_equal(p.enabled, ENABLED_NONE);
	assert_int_equal(p.required, 2);
	assert_int_equal(p.limits.account_failures, 5);
	assert_int_equal(p.limits.block, 24 * 3600);
	assert_true(p.hide_account_state);
	assert_false(p.self_service);
	assert_true(policy_list_has(&p.services, "gdm-password"));
	assert_int_equal(p.local.privileged_groups.n, 0);
	assert_string_equal(p.methods.item[0], "authenticator");
}

#define GUID_A "11111111-2222-3333-4444-555555555555"
#define GUID_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define TENANT_B(name, domain)                                                                                         \
	"[directory " name "]\ntype = entra\ntenant = " GUID_B "\nclient-id = " GUID_B "\ndomains = " domain "\n"
#define TENANT(name, domain)                                                                                           \
	"[directory " name "]\ntype = entra\ntenant = " GUID_A "\nclient-id = " GUID_B "\ndomains = " domain "\n"

static void two_tenants_can_be_set(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text(TENANT("contoso", "contoso.com contoso.onmicrosoft.com") "group = Testers\nmirror = yes\n"
				   TENANT_B("fabrikam", "fabrikam.com") "cloud = us-gov\nrevoke-sessions = no\n"
				   "proxy = http://proxy.fabrikam.com:3128\ntemplate = %u.ext@fabrikam.com\n"
				   "[directory local]\ntype = none\n",
				   &p, &told),
			 0);
	assert_int_equal(p.directories_n, 2);
	assert_string_equal(policy_directory(&p, "contoso")->entra.group, "Testers");
	assert_int_equal(policy_directory(&p, "contoso")->entra.domains.n, 2);
	assert_true(policy_directory(&p, "contoso")->entra.mirror);
	assert_int_equal(policy_directory(&p, "contoso")->entra.contacts, CONTACTS_REGISTERED);
	assert_true(policy_directory(&p, "contoso")->entra.revoke_sessions);
	assert_int_equal(policy_directory(&p, "fabrikam")->entra.cloud, CLOUD_US_GOV);
	assert_false(policy_directory(&p, "fabrikam")->entra.revoke_sessions);
	assert_int_equal(p.local.type, LOCAL_NONE);
	assert_null(policy_directory(&p, "local"));
}

static void a_directorys_mistakes_are_told(void **state _unused_)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{ "[directory contoso]\ntype = entra\n", "[directory contoso] needs tenant = GUID" },
		{ TENANT("contoso", "contoso.com") "tenant = contoso.com\n", "tenant was set in line 3 already" },
		{ "[directory contoso]\ntenant = contoso.com\n", ":2: [directory contoso] tenant = contoso.com: must be a GUID" },
		{ "[directory Contoso]\ntype = entra\n", ":1: [directory Contoso] must be the name of a directory" },
		{ "[directory ]\n", "[directory ] must be the name of a directory" },
		{ "[directory contoso]\nclient-secret = x\n", "has no key 'client-secret'; it has: type, tenant" },
		{ "[directory contoso]\ndomains = contoso\n", "must be domains, like contoso.com" },
		{ "[directory contoso]\ngraph = https://graph.microsoft.com\n", "must be HOST or HOST:PORT" },
		{ "[directory contoso]\ntemplate = monica@contoso.com\n", "in which %u is the name" },
		{ "[directory contoso]\nproxy = proxy:3128\n", "must be http://HOST:PORT" },
		{ "[directory local]\ntype = none\n", "needs another [directory NAME]" },
		{ "[mail]\ndirectory = contoso\nfrom = a@b.c\n", "there is no section [directory contoso]" },
		{ "[authentication-methods]\nmethods = app email\n", "app needs a [directory NAME]" },
		{ TENANT("contoso", "contoso.com") "[authentication-methods]\nmethods = app email\nrequired = 1\n", "app needs required = 2" },
		{ TENANT("a", "a.com") TENANT("b", "b.com"), "[directory a] and [directory b] have the same tenant" },
		{ TENANT("a", "x.com a.com") TENANT_B("b", "b.com A.com"), "both have the domain a.com" },
		{ "[directory a]\n[directory b]\n[directory c]\n[directory d]\n[directory e]\n", ":5: [directory e] must be one of at most 4" },
	};
	struct policy p;
	struct told told;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_text(cases[i].text, &p, &told), 1);
		if (!strstr(told.text, cases[i].told))
			fail_msg("%s: not told: %s", cases[i].text, told.text);
	}
}

static void phones_can_be_set(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[authentication-methods]\nmethods = authenticator email sms voice office\n"
				   "[sms]\nprovider = gateway\nurl = https://gw.example.org:8443/send?to=%to%\nmethod = put\n"
				   "headers = X-Key: %secret% | X-Id: %id%\nbody = {\"text\":\"%text%\"}\ncontent-type = json\n"
				   "success-status = 202\nsuccess-match = ^OK\nsuccess-json = messages.0.status=0\n"
				   "[voice]\nprovider = twilio\naccount = AC0123456789abcdef0123456789abcdef\nfrom = +14255550100\n"
				   "[phone]\ncountries = +49 +1425\ndeny-prefixes = +49151\n[limits]\nsms-per-day = 7\n",
				   &p, &told),
			 0);
	assert_int_equal(p.sms.provider, PROVIDER_GATEWAY);
	assert_int_equal(p.sms.verb, VERB_PUT);
	assert_int_equal(p.sms.content_type, CONTENT_JSON);
	assert_int_equal(p.sms.success_status.n, 1);
	assert_int_equal(p.voice.provider, PROVIDER_TWILIO);
	assert_int_equal(p.voice.success_status.n, 3);
	assert_int_equal(p.phone_rules.countries.n, 2);
	assert_int_equal(p.limits.sms_per_day, 7);
	assert_true(policy_has_phone(&p));
}

/* Whom an organisation calls for help is mostly in the same country. */
static void the_helpdesks_country_is_the_default(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[authentication-methods]\nmethods = email sms\n[customization]\nphone = +353 1 555 0100\n", &p, &told), 0);
	assert_int_equal(p.phone_rules.countries.n, 1);
	assert_string_equal(p.phone_rules.countries.item[0], "+353");
	assert_int_equal(read_text("[authentication-methods]\nmethods = email sms\n[customization]\nphone = 4711\n", &p, &told), 1);
	assert_non_null(strstr(told.text, "need [phone] countries"));
	assert_int_equal(read_text("[customization]\nphone = +353 1 555 0100\n[phone]\ncountries = +49\n", &p, &told), 0);
	assert_string_equal(p.phone_rules.countries.item[0], "+49");
}

static void a_providers_mistakes_are_told(void **state _unused_)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{ "[sms]\nprovider = pigeon\n", ":2: [sms] provider = pigeon: must be one of: none, twilio, gateway, azure" },
		{ "[voice]\nprovider = azure\n", "must be one of: none, twilio, gateway" },
		{ "[sms]\nprovider = twilio\n", "[sms] provider = twilio needs [sms] account" },
		{ "[sms]\nprovider = twilio\n", "[sms] provider = twilio needs [sms] from" },
		{ "[sms]\nprovider = azure\n", "[sms] provider = azure needs [sms] endpoint" },
		{ "[voice]\nprovider = gateway\n", "[voice] provider = gateway needs [voice] url" },
		{ "[sms]\nurl = http://gw.example.org/\n", ":2: [sms] url = http://gw.example.org/: must be https://HOST" },
		{ "[sms]\nurl = https://%to%.example.org/\n", "must be https://HOST" },
		{ "[sms]\nurl = https://gw.example.org\n", "must be https://HOST" },
		{ "[sms]\nurl = https://u:p@gw.example.org/\n", "must be https://HOST" },
		{ "[sms]\nurl = https://gw.example.org/%numbr%\n", "%to% %number% %text%" },
		{ "[sms]\nbody = %secrt%\n", "%to% %number% %text%" },
		{ "[sms]\nheaders = X-Key\n", "must be Name: value | Name: value" },
		{ "[sms]\nheaders = Authorization: Bearer %secret%\n", "none of Authorization" },
		{ "[sms]\nheaders = A: 1 | B: 2 | C: 3 | D: 4 | E: 5\n", "at most four" },
		{ "[sms]\nprovider = gateway\nurl = https://gw.example.org/\nmethod = get\nbody = x\n", "method = get has no body" },
		{ "[sms]\nsuccess-status = 302\n", "must be numbers from 200 to 299" },
		{ "[sms]\nsuccess-match = (\n", "must be an extended regular expression" },
		{ "[sms]\nsuccess-json = status\n", "must be MEMBER=VALUE" },
		{ "[sms]\naccount = SK0123456789abcdef0123456789abcdef\n", "must be an account SID" },
		{ "[sms]\nfrom = a\"b\n", "must be a number like" },
		{ "[phone]\ncountries = 49\n", ":2: [phone] countries = 49: must be prefixes of international numbers" },
		{ "[phone]\ncountries = +0\n", "must be prefixes" },
		{ "[limits]\nsms-per-day = 0\n", "must be a number from 1 to 100000" },
		{ "[phone]\ncountries = +49\n[authentication-methods]\nmethods = sms voice office\n",
		  "methods has 1: of sms, voice and office one counts" },
	};
	struct policy p;
	struct told told;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_text(cases[i].text, &p, &told) != 1)
			fail_msg("taken: %s", cases[i].text);
		if (!strstr(told.text, cases[i].told))
			fail_msg("for %s it said: %s", cases[i].text, told.text);
	}
}

static void all_of_it_can_be_set(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[properties]\nenabled = selected\ngroup = SSPRTesters\n"
				   "[authentication-methods]\nmethods = recovery-code, email\nrequired = 1\n"
				   "[limits]\nblock = 7d\ncode-lifetime = 90s\n"
				   "[privacy]\nhide-account-state = no\n"
				   "[mail]\nserver = smtp://mail.example.org:587\nfrom = sspr@example.org\n",
				   &p, &told),
			 0);
	assert_int_equal(p.enabled, ENABLED_SELECTED);
	assert_string_equal(p.group, "SSPRTesters");
	assert_int_equal(p.methods.n, 2);
	assert_string_equal(p.methods.item[1], "email");
	assert_int_equal(p.limits.block, 7 * 86400);
	assert_int_equal(p.limits.code_lifetime, 90);
}

static void admins_are_known_by_name(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[authentication-methods]\nmethods = authenticator email\nrequired = 1\nadmins = root2 Boss@contoso.com\n"
				   "[notifications]\nnotify-admins = yes\nadmin-addresses = a@b.c d@e.f\n",
				   &p, &told),
			 0);
	assert_true(policy_is_admin(&p, "root2"));
	assert_false(policy_is_admin(&p, "ROOT2"));
	assert_true(policy_is_admin(&p, "bosS@Contoso.com"));
	assert_false(policy_is_admin(&p, "boss"));
	assert_false(policy_is_admin(&p, ""));
	assert_int_equal(policy_required(&p, false), 1);
	assert_int_equal(policy_required(&p, true), 2);
	assert_int_equal(p.notifications.admin_addresses.n, 2);
}

/* C10: no value means "unlimited". */
static void C10_bad_values_are_named(void **state _unused_)
{
	static const struct {
		const char *text, *complaint;
	} bad[] = {
		{ "[limits]\naccount-failures = 0\n", ":2: [limits] account-failures = 0: must be a number from 1 to 100" },
		{ "[limits]\naccount-failures = -1\n", ":2: [limits] account-failures = -1: must be a number from 1 to 100" },
		{ "[limits]\ngate-failures = 99999999999999999999\n", ":2: [limits] gate-failures" },
		{ "[limits]\ncode-tries =\n", ":2: [limits] code-tries = : must be a number from 1 to 10" },
		{ "[limits]\nblock = 0s\n", ":2: [limits] block = 0s: must be a time from 10m to 30d" },
		{ "[limits]\nblock = 24\n", "like 90s, 5m, 24h or 7d" },
		{ "[limits]\nblock = -1h\n", "must be a time" },
		{ "\n[properties]\nenabled = maybe\n", ":3: [properties] enabled = maybe: must be one of: none, selected, all" },
		{ "[privacy]\nhide-account-state = true\n", "must be yes or no" },
		{ "[authentication-methods]\nmethods = fax\n", "must be words out of: authenticator, email, recovery-code" },
		{ "[authentication-methods]\nmethods = email email\n", "each word only once" },
		{ "[mail]\nserver = http://mail\n", "must be smtp://HOST[:PORT] (STARTTLS) or smtps://HOST[:PORT] (TLS)" },
		{ "[mail]\nfrom = a@b, c@d\n", "must be one mail address" },
		{ "[properties]\nenable = all\n", ":2: [properties] has no key 'enable'; it has: enabled, group" },
		{ "[nonsense]\nx = 1\n", ":1: there is no section [nonsense]" },
		{ "\n[nonsense]\n", ":2: there is no section [nonsense]" },
		{ "\f[limitz]\nblock = 7d\n", "there is no section [limitz]" },
		{ "\xef\xbb\xbf[limitz]\nblock = 7d\n", "there is no section [limitz]" },
		{ "enabled = all\n", ":1: 'enabled' stands before the first [section]" },
		{ "[properties]\nenabled = all\nenabled = none\n", ":3: [properties] enabled was set in line 2 already" },
		{ "[properties]\nenabled\n", ":2: is neither [section] nor key = value" },
		{ "[properties]\nenabled = selected\n", "enabled = selected needs [properties] group = NAME" },
		{ "[services]\nself-service = yes\n[authentication-methods]\nrequired = 1\n", "an open mailbox must not be enough" },
		{ "[password]\nhistory = 25\n", "history = 25: must be a number from 0 to 24" },
		{ "[password]\nbanned-words = words\n", "must be an absolute path" },
		{ "[password]\nprotection = no\nbanned-words = /etc/sspr/words\n", "banned-words needs protection = yes" },
		{ "[password]\nbreached = yes\n", "must be one of: off, refuse" },
		{ "[password]\nbreached-unreachable = no\n", "must be one of: refuse, allow" },
		{ "[password]\nbreached-url = http://a.b/range/\n", "must be https://HOST[:PORT]/PATH/" },
		{ "[password]\nbreached-url = https://a.b/range\n", "must be https://HOST[:PORT]/PATH/" },
		{ "[password]\nbreached-url = https://a.b\n", "must be https://HOST[:PORT]/PATH/" },
		{ "[password]\nbreached-url = https://u@a.b/range/\n", "must be https://HOST[:PORT]/PATH/" },
		{ "[password]\nbreached-url = https://a.b/range?x=/\n", "must be https://HOST[:PORT]/PATH/" },
		{ "[password]\nbreached-proxy = proxy\n", "must be http://HOST:PORT" },
		{ "[authentication-methods]\nmethods = authenticator\nrequired = 1\n",
		  "authenticator with required = 1 needs at least 1 other methods" },
		{ "[authentication-methods]\nmethods = authenticator email\n",
		  "authenticator with required = 2 needs at least 2 other methods, like email or recovery-code" },
		{ "[authentication-methods]\nmethods = email\nrequired = 1\nadmins = boss\n", "admins always need two methods, but methods has 1" },
		{ "[phone]\ncountries = +49\n[authentication-methods]\nmethods = sms voice\nrequired = 1\nadmins = boss\n",
		  "admins always need two methods, but methods has 1: of sms, voice and office one counts" },
		{ "[phone]\ncountries = +49\n[authentication-methods]\nmethods = authenticator sms voice\n",
		  "authenticator with required = 2 needs at least 2 other methods" },
		{ "[notifications]\nnotify-admins = yes\nadmin-addresses = a@b.c\n", "needs [notifications] admin-addresses" },
		{ "[notifications]\nnotify-admins = yes\n[authentication-methods]\nadmins = boss\n", "needs [notifications] admin-addresses" },
		{ "[notifications]\nadmin-addresses = operators\n", "must be one mail address" },
		{ "[authentication-methods]\nmethods = email\nrequired = 2\n",
		  "required = 2 needs at least 2 methods, but methods has 1" },
	};
	struct told told;
	struct policy p;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (read_text(bad[i].text, &p, &told) != 1)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(told.text, bad[i].complaint) || !strstr(told.text, file))
			fail_msg("for %s it said: %s", bad[i].text, told.text);
	}
}

/* ---- [password] ---- */

static char banned[80];

static int read_banned(const char *terms, struct policy *ret, struct told *told)
{
	char text[160];

	write_file(banned, terms);
	snprintf(text, sizeof(text), "[password]\nbanned-words = %s\n", banned);
	return read_text(text, ret, told);
}

static void the_rules_of_passwords_have_safe_defaults(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("", &p, &told), 0);
	assert_true(p.password.protection);
	assert_null(p.password.banned);
	assert_int_equal(p.password.history, 5);
	assert_int_equal(p.password.breached, BREACHED_OFF);
	assert_int_equal(p.password.breached_unreachable, UNREACHABLE_REFUSE);
	assert_string_equal(p.password.breached_url, "https://api.pwnedpasswords.com/range/");
}

static void the_rules_of_passwords_can_be_set(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[password]\nprotection = no\norganisation = Contoso Ltd\nhistory = 0\nbreached = refuse\n"
				   "breached-unreachable = allow\nbreached-url = https://pwned.contoso.com:8443/v2/range/\n"
				   "breached-ca-file = /etc/ssl/own.pem\nbreached-proxy = http://proxy:3128\n",
				   &p, &told),
			 0);
	assert_false(p.password.protection);
	assert_string_equal(p.password.organisation.item[1], "Ltd");
	assert_int_equal(p.password.history, 0);
	assert_int_equal(p.password.breached, BREACHED_REFUSE);
	assert_int_equal(p.password.breached_unreachable, UNREACHABLE_ALLOW);
}

static void banned_words_are_one_a_line(void **state _unused_)
{
	struct policy p;
	struct told told;

	if (read_banned("# ours\n\n  Contoso \nblank\r\nabcdefghijklmnop\n\tnew york\nlast", &p, &told) != 0)
		fail_msg("%s", told.text);
	assert_int_equal(p.password.banned->n, 5);
	assert_int_equal(p.password.banned->term[0].n, 7);
	assert_int_equal(p.password.banned->term[4].n, 4);
	policy_done(&p);
}

static void wrong_banned_words_are_told_with_file_and_line(void **state _unused_)
{
	static const struct {
		const char *terms, *complaint;
	} bad[] = {
		{ "good\nabc\n", "banned-words:2: must be a term of 4 to 16 characters" },
		{ "abcdefghijklmnopq\n", "banned-words:1: must be a term of 4 to 16 characters" },
		{ "# x\n\nab\033cd\n", "banned-words:3: must be a term without control characters" },
		{ "goo\xff\n", "banned-words:1: must be a term without control characters" },
	};
	struct policy p;
	struct told told;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(read_banned(bad[i].terms, &p, &told), 1);
		if (!strstr(told.text, bad[i].complaint))
			fail_msg("for %s it said: %s", bad[i].terms, told.text);
	}
	assert_int_equal(read_banned("abc\ndef\n", &p, &told), 1);
	assert_int_equal(told.lines, 2);
}

static void there_may_be_1000_banned_words(void **state _unused_)
{
	static char terms[16 * 1002];
	struct policy p;
	struct told told;

	for (int i = 0; i < 1000; i++)
		snprintf(terms + strlen(terms), 16, "term%d\n", i);
	assert_int_equal(read_banned(terms, &p, &told), 0);
	policy_done(&p);
	strcat(terms, "onemore\n");
	assert_int_equal(read_banned(terms, &p, &told), 1);
	assert_non_null(strstr(told.text, ":1001: must be one of at most 1000 terms"));
}

static void a_file_of_words_must_be_there_and_safe(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[password]\nbanned-words = /nowhere/at-all\n", &p, &told), 1);
	assert_non_null(strstr(told.text, "/nowhere/at-all: cannot be read"));
	assert_int_equal(read_banned("good\n", &p, &told), 0);
	policy_done(&p);
	chmod(banned, 0666);
	assert_int_equal(read_banned("good\n", &p, &told), 1);
	assert_non_null(strstr(told.text, "nobody else may write"));
	chmod(banned, 0644);
}

static void all_mistakes_are_told_at_once(void **state _unused_)
{
	struct policy p;
	struct told told;

	assert_int_equal(read_text("[limits]\nblock = x\ncode-tries = 99\n[nope]\na = b\n", &p, &told), 1);
	assert_int_equal(told.lines, 3);
}

static void a_long_line_is_not_cut_in_silence(void **state _unused_)
{
	char text[600] = "[customization]\nhelpdesk = ";
	struct policy p;
	struct told told;

	memset(text + strlen(text), 'x', 400);
	assert_int_equal(read_text(text, &p, &told), 1);
	assert_non_null(strstr(told.text, ":2: a line has at most"));
}

static void drop_ins_override_in_order(void **state _unused_)
{
	struct policy p;
	struct told told;
	char d[80], a[96], b[96], c[96];

	snprintf(d, sizeof(d), "%s.d", file);
	assert_int_equal(mkdir(d, 0755), 0);
	snprintf(a, sizeof(a), "%s/10-a.conf", d);
	snprintf(b, sizeof(b), "%s/20-b.conf", d);
	snprintf(c, sizeof(c), "%s/30-c.txt", d);
	write_file(a, "[authentication-methods]\nrequired = 1\n[customization]\nphone = 1\n");
	write_file(b, "[customization]\nphone = 2\n");
	write_file(c, "[customization]\nphone = 3\n");
	assert_int_equal(read_text("[authentication-methods]\nrequired = 2\n", &p, &told), 0);
	assert_int_equal(p.required, 1);
	assert_string_equal(p.phone, "2");
	write_file(b, "[customization]\nphne = 2\n");
	assert_int_equal(read_text("", &p, &told), 1);
	assert_non_null(strstr(told.text, "20-b.conf:2:"));
	unlink(a);
	unlink(b);
	unlink(c);
	rmdir(d);
}

static void a_file_that_others_may_write_is_refused(void **state _unused_)
{
	struct conf_report report = { .say = hear };
	struct told told = {};
	struct policy p;

	report.to = &told;
	write_file(file, "");
	chmod(file, 0666);
	assert_int_equal(policy_read(file, &p, &report), 1);
	assert_non_null(strstr(told.text, "nobody else may write"));
	unlink(file);
	assert_int_equal(policy_read(file, &p, &report), 1);
	assert_non_null(strstr(told.text, "cannot be read"));
}

static int make_folder(void **state _unused_)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/ssprd.conf", folder);
	snprintf(banned, sizeof(banned), "%s/banned-words", folder);
	return 0;
}

static int remove_folder(void **state _unused_)
{
	unlink(file);
	unlink(banned);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(all_of_it_can_be_set),
		cmocka_unit_test(phones_can_be_set),
		cmocka_unit_test(the_helpdesks_country_is_the_default),
		cmocka_unit_test(a_providers_mistakes_are_told),
		cmocka_unit_test(two_tenants_can_be_set),
		cmocka_unit_test(a_directorys_mistakes_are_told),
		cmocka_unit_test(admins_are_known_by_name),
		cmocka_unit_test(C10_bad_values_are_named),
		cmocka_unit_test(the_rules_of_passwords_have_safe_defaults),
		cmocka_unit_test(the_rules_of_passwords_can_be_set),
		cmocka_unit_test(banned_words_are_one_a_line),
		cmocka_unit_test(wrong_banned_words_are_told_with_file_and_line),
		cmocka_unit_test(there_may_be_1000_banned_words),
		cmocka_unit_test(a_file_of_words_must_be_there_and_safe),
		cmocka_unit_test(all_mistakes_are_told_at_once),
		cmocka_unit_test(a_long_line_is_not_cut_in_silence),
		cmocka_unit_test(drop_ins_override_in_order),
		cmocka_unit_test(a_file_that_others_may_write_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
