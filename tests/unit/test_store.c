// SPDX-License-Identifier: LGPL-2.1-or-later
/* The database: registrations, limits, writes, audit; and when it must not be used. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/clock.h"
#include "engine/seats.h"
#include "method/methods.h"
#include "store/sql.h"
#include "store/store.h"

static const struct crypto_key master = { .b = { 9 } };
static const struct account monica = { .directory = "local", .object = "1000", .name = "monica" };
static const struct account pavel = { .directory = "local", .object = "1001", .name = "pavel" };

static struct policy_limits limits(void)
{
	return (struct policy_limits){
		.account_failures = 5, .gate_failures = 5, .seat_failures = 20, .seat_users = 5, .global_failures = 200,
		.account_window = 86400, .gate_window = 3600, .seat_window = 3600, .global_window = 3600, .block = 86400,
		.sends_per_day = 5, .sms_per_day = 8, .passes_per_day = 4,
		.resets = 5, .reset_window = 3600, .sends = 10, .send_window = 600, .passes_per_user = 3,
	};
}

struct place {
	char folder[64], db[96], made[96];
	struct store *store;
};

static struct store *open_at(const struct place *p)
{
	struct store *s = NULL;
	const char *why = "";

	if (store_open(p->folder, &master, &s, &why) != 0)
		fail_msg("%s", why);
	return s;
}

static const char *refusal(const struct place *p, const struct crypto_key *key)
{
	struct store *s = NULL;
	const char *why = NULL;

	assert_int_equal(store_open(p->folder, key, &s, &why), 1);
	assert_null(s);
	return why;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->folder, "/tmp/sspr-store-XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	snprintf(p->db, sizeof(p->db), "%s/ssprd.db", p->folder);
	snprintf(p->made, sizeof(p->made), "%s/ssprd.made", p->folder);
	p->store = open_at(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char command[128];

	store_close(p->store);
	for (const char *const *suffix = (const char *const[]){ "ssprd.db", "ssprd.db-wal", "ssprd.db-shm", "ssprd.made",
								 "lock", NULL };
	     *suffix; suffix++) {
		snprintf(command, sizeof(command), "%s/%s", p->folder, *suffix);
		unlink(command);
	}
	rmdir(p->folder);
	free(p);
	return 0;
}

static int64_t add(struct store *s, const struct account *a)
{
	int64_t row = 0;

	assert_true(store_account_add(s, a, 1, &row) >= 0);
	return row;
}

static int try_at(struct store *s, const char *who, const char *gate, const char *seat, int64_t at, int64_t *ret)
{
	struct policy_limits l = limits();
	struct store_try t = { .who = who, .gate = gate, .seat = seat, .at = at };
	int64_t attempt;

	return store_try(s, &l, &t, ret ? ret : &attempt);
}

static void registrations_come_back(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct secret seed = secret_of("12345678901234567890");
	struct registration r = {};
	int64_t row = add(s, &monica);

	assert_int_equal(store_registration(s, &pavel, &r), 0);
	assert_int_equal(r.account, 0);
	assert_int_equal(store_authenticator_set(s, &monica, row, &seed, 41, 1), 0);
	assert_int_equal(store_mail_set(s, row, "monica@lab.test", 1), 0);
	assert_int_equal(store_registration(s, &monica, &r), 0);
	assert_true(r.has_authenticator);
	assert_true(secret_equal(&r.seed, &seed));
	assert_int_equal(r.last_step, 41);
	assert_string_equal(r.mail, "monica@lab.test");
	assert_int_equal(store_account_remove(s, row), 0);
	assert_int_equal(store_registration(s, &monica, &r), 0);
	assert_int_equal(r.account, 0);
	assert_false(r.has_authenticator);
}

static void C2_C15_what_was_used_is_used(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct secret seed = secret_of("seed");
	struct registration_recovery code = {};
	struct registration r;
	int64_t row = add(s, &monica);
	struct proof step = { .step = 100 }, recovery = {};

	assert_int_equal(store_authenticator_set(s, &monica, row, &seed, 99, 1), 0);
	assert_int_equal(store_proof_use(s, row, &step), 0);
	assert_int_equal(store_proof_use(s, row, &step), 1);
	assert_int_equal(store_recovery_set(s, row, &code, 1, 1), 0);
	assert_int_equal(store_registration(s, &monica, &r), 0);
	recovery.recovery_row = r.recovery[0].row;
	assert_int_equal(store_proof_use(s, row, &recovery), 0);
	assert_int_equal(store_proof_use(s, row, &recovery), 1);
	assert_int_equal(store_registration(s, &monica, &r), 0);
	assert_int_equal(r.recovery_n, 0);
}

/* D2: pavel's row gets monica's sealed seed. */
static void D2_a_seed_does_not_move(void **state)
{
	struct place *p = *state;
	struct secret seed = secret_of("12345678901234567890");
	struct registration r = {};
	int64_t row = add(p->store, &monica);
	sqlite3 *db;

	add(p->store, &pavel);
	assert_int_equal(store_authenticator_set(p->store, &monica, row, &seed, 0, 1), 0);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO authenticator SELECT 2, seed, 0, 0 FROM authenticator", NULL, NULL,
				      NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_registration(p->store, &pavel, &r), -EBADMSG);
}

static void C3_exactly_so_many_tries(void **state)
{
	struct store *s = ((struct place *)*state)->store;

	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 1000, NULL), 0);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 1000, NULL), 1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(try_at(s, "local:1000", "email", "tty1", 1001, NULL), 2);
	assert_int_equal(store_blocked(s, "local:1000", 1000 + 86399), 1);
	assert_int_equal(store_blocked(s, "local:1000", 1000 + 86400), 0);
	assert_int_equal(store_blocked(s, "local:1001", 1000), 0);
}

static void C4_an_account_counts_over_gates_and_days(void **state)
{
	struct store *s = ((struct place *)*state)->store;

	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 0, NULL), 0);
	assert_int_equal(try_at(s, "local:1000", "email", "tty1", 20000, NULL), 0);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty2", 40000, NULL), 0);
	assert_int_equal(try_at(s, "local:1000", "email", "tty1", 60000, NULL), 0);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 80000, NULL), 1);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 80001, NULL), 2);
}

static int release(struct store *s, int64_t attempt, const char *who, bool last)
{
	struct policy_limits l = limits();

	return store_try_release(s, &l, &(struct store_release){ .who = who, .attempt = attempt, .last = last, .now = 1000 });
}

static void a_proof_that_was_right_is_no_failure(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	int64_t attempt;

	for (int i = 0; i < 50; i++) {
		assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 1000, &attempt), 0);
		assert_int_equal(release(s, attempt, "local:1000", false), 0);
	}
}

/* The ids of what was cleared come again. */
static void C4_nobody_takes_back_the_failure_of_another(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	int64_t mine, other;

	assert_int_equal(try_at(s, "local:1000", "sms", "tty1", 1000, &mine), 0);
	assert_int_equal(store_limits_clear(s, "local:1000"), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(try_at(s, "local:1001", "email", "tty2", 1000, &other), 0);
		if (i == 0)
			assert_int_equal(mine, other);
	}
	assert_int_equal(release(s, mine, "local:1000", false), 0);
	assert_int_equal(try_at(s, "local:1001", "email", "tty2", 1000, NULL), 1);
}

static int try_as_both(struct store *s, const char *who, const char *alias, int64_t *ret)
{
	struct policy_limits l = limits();
	struct store_aliases a = { .n = 1 };
	struct store_try t = { .who = who, .gate = "email", .seat = "tty1", .at = 1000, .aliases = &a };

	snprintf(a.who[0], sizeof(a.who[0]), "%s", alias);
	return store_try(s, &l, &t, ret);
}

static void E1_what_counts_for_one_counts_for_its_other_names(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	int64_t attempt;

	for (int i = 0; i < 3; i++)
		assert_int_equal(try_as_both(s, "local:1000", "name:x", &attempt), 0);
	assert_int_equal(try_at(s, "name:x", "email", "tty2", 1000, NULL), 0);
	assert_int_equal(try_as_both(s, "local:1000", "name:x", &attempt), 1);
	assert_int_equal(store_blocked(s, "name:x", 1001), 1);
	assert_int_equal(release(s, attempt, "local:1000", true), 0);
	assert_int_equal(store_blocked(s, "name:x", 1001), 0);
	assert_int_equal(try_as_both(s, "local:1000", "name:x", &attempt), 1);
	assert_int_equal(store_limits_clear(s, "local:1000"), 0);
	assert_int_equal(store_blocked(s, "name:x", 1001), 0);
	/* But for what came under the other name alone. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(try_at(s, "name:x", "email", "tty2", 1000, NULL), 0);
	assert_int_equal(try_at(s, "name:x", "email", "tty2", 1000, NULL), 1);
}

static void C8_a_mirrored_failure_is_one_failure(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();
	char who[16], alias[16];
	int64_t attempt;

	for (unsigned int i = 0; i < l.global_failures && i < l.seat_users; i++) {
		snprintf(who, sizeof(who), "local:%u", i);
		snprintf(alias, sizeof(alias), "name:%u", i);
		assert_int_equal(try_as_both(s, who, alias, &attempt), 0);
	}
}

/* Whoever holds one proof cannot buy new tries at another with it. */
static void C4_a_right_proof_clears_no_failures(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	int64_t attempt;

	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(s, "local:1000", "email", "tty1", 1000, NULL), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 1000, &attempt), 1);
		assert_int_equal(release(s, attempt, "local:1000", true), 0);
		assert_int_equal(store_blocked(s, "local:1000", 1001), 0);
	}
	assert_int_equal(try_at(s, "local:1000", "email", "tty1", 1001, NULL), 1);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 1001, NULL), 2);
}

/* C8: one guess each over many accounts. */
static void C8_a_seat_has_a_budget(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	char who[32];

	for (int i = 0; i < 5; i++) {
		snprintf(who, sizeof(who), "local:%d", 2000 + i);
		assert_int_equal(try_at(s, who, "authenticator", "tty1", 1000, NULL), 0);
	}
	assert_int_equal(try_at(s, "local:3000", "authenticator", "tty1", 1001, NULL), 2);
	assert_int_equal(try_at(s, "local:2000", "authenticator", "tty1", 1001, NULL), 0);
	assert_int_equal(try_at(s, "local:3000", "authenticator", "tty2", 1001, NULL), 0);
	assert_int_equal(try_at(s, "local:3000", "authenticator", "tty1", 1000 + 3601, NULL), 0);
}

static void C8_all_seats_together_have_one(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	char who[32], seat[32];

	for (int i = 0; i < 200; i++) {
		snprintf(who, sizeof(who), "local:%d", 2000 + i);
		snprintf(seat, sizeof(seat), "pts/%d", i);
		assert_int_equal(try_at(s, who, "authenticator", seat, 1000, NULL), 0);
	}
	assert_int_equal(try_at(s, "local:5000", "authenticator", "tty1", 1000, NULL), 2);
}

/* E1: were unknown names folded, "NOBODY" and "nobody" would behave as no two accounts do. */
static void C7_one_account_one_counter(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct account upper = { .name = "NOBODY" }, lower = { .name = "nobody" }, renamed = monica;
	char a[STORE_WHO], b[STORE_WHO];

	assert_int_equal(store_who(s, &upper, a), 0);
	assert_int_equal(store_who(s, &lower, b), 0);
	assert_string_not_equal(a, b);
	assert_null(strstr(b, "nobody"));
	strcpy(renamed.name, "moni");
	assert_int_equal(store_who(s, &monica, a), 0);
	assert_int_equal(store_who(s, &renamed, b), 0);
	assert_string_equal(a, b);
}

/* C9: a block does not get shorter, whatever time it is taken to be. */
static void C9_blocks_do_not_shrink(void **state)
{
	struct store *s = ((struct place *)*state)->store;

	for (int i = 0; i < 5; i++)
		try_at(s, "local:1000", "authenticator", "tty1", 100000, NULL);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 50000, NULL), 2);
	assert_int_equal(store_blocked(s, "local:1000", 100000 + 86399), 1);
}

/* C9: when an administrator sets the lasting clock right, nothing counts from the future. */
static void C9_an_accepted_clock_frees_the_future(void **state)
{
	struct store *s = ((struct place *)*state)->store;

	for (int i = 0; i < 5; i++)
		try_at(s, "local:1000", "authenticator", "tty1", 900000000, NULL);
	assert_int_equal(store_limits_clamp(s, 1000, 86400), 0);
	assert_int_equal(store_blocked(s, "local:1000", 1000 + 86399), 1);
	assert_int_equal(store_blocked(s, "local:1000", 1000 + 86400), 0);
	assert_int_equal(try_at(s, "local:1000", "authenticator", "tty1", 1000 + 86401, NULL), 0);
}

/* C5 F3: killed between the count and the answer. */
static void C5_a_count_survives_a_kill(void **state)
{
	struct place *p = *state;
	int status;
	pid_t child;

	store_close(p->store);
	p->store = NULL;
	child = fork();
	if (child == 0) {
		struct store *s = open_at(p);

		for (int i = 0; i < 4; i++)
			try_at(s, "local:1000", "authenticator", "tty1", 1000, NULL);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	p->store = open_at(p);
	assert_int_equal(try_at(p->store, "local:1000", "authenticator", "tty1", 1000, NULL), 1);
}

static void M2_messages_are_counted(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct store_try send = { .who = "local:1000", .gate = "", .seat = "tty1", .at = 1000 };
	struct policy_limits l = limits();

	for (int i = 0; i < 5; i++)
		assert_int_equal(store_send(s, &l, &send), 0);
	assert_int_equal(store_send(s, &l, &send), 1);
	send.at += 86401;
	assert_int_equal(store_send(s, &l, &send), 0);
}

/* A person at one seat cannot have messages sent to everybody. */
static void M2_a_seat_has_a_budget_of_messages(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();
	struct store_try send = { .gate = "", .seat = "tty1", .at = 1000 };
	char who[32];

	send.who = who;
	for (int i = 0; i < 20; i++) {
		snprintf(who, sizeof(who), "local:%d", i);
		assert_int_equal(store_send(s, &l, &send), 0);
	}
	snprintf(who, sizeof(who), "local:99");
	assert_int_equal(store_send(s, &l, &send), 1);
}

static void M2_a_number_has_a_budget_and_all_phones_have_one(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();
	struct store_try send = { .who = "local:1000", .gate = "", .seat = "tty1", .at = 1000 };

	for (int i = 0; i < 5; i++)
		assert_int_equal(store_send_phone(s, &l, "+491701234567", 1000), 0);
	assert_int_equal(store_send_phone(s, &l, "+491701234567", 1000), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_send_phone(s, &l, "+491701234568", 1000), 0);
	assert_int_equal(store_send_phone(s, &l, "+491701234568", 1000), 2);
	assert_int_equal(store_send_phone(s, &l, "+491701234568", 1000 + 86401), 0);
	/* They are counted beside the messages that there are, not among them. */
	l.global_failures = 1;
	assert_int_equal(store_send(s, &l, &send), 0);
	assert_int_equal(store_send(s, &l, &send), 1);
}

static void phones_are_kept_and_replaced(void **state)
{
	struct place *p = *state;
	struct registration r;
	int64_t row;

	assert_int_equal(store_account_add(p->store, &monica, 1, &row), 0);
	assert_int_equal(store_phone_set(p->store, row, "mobile", "+491701234567", 2), 0);
	assert_int_equal(store_phone_set(p->store, row, "office", "+49301234567", 3), 0);
	assert_int_equal(store_phone_set(p->store, row, "mobile", "+491701234568", 4), 0);
	store_close(p->store);
	p->store = open_at(p);
	assert_int_equal(store_registration(p->store, &monica, &r), 0);
	assert_string_equal(r.mobile, "+491701234568");
	assert_string_equal(r.office, "+49301234567");
	assert_int_equal(store_account_remove(p->store, row), 0);
	assert_int_equal(store_account_add(p->store, &monica, 5, &row), 0);
	assert_int_equal(store_registration(p->store, &monica, &r), 0);
	assert_string_equal(r.mobile, "");
}

/* A database of the version before is led on, with all that is in it. */
static void version_4_becomes_version_5(void **state)
{
	struct place *p = *state;
	struct registration r;
	sqlite3 *db;
	int64_t row;

	assert_int_equal(store_account_add(p->store, &monica, 1, &row), 0);
	assert_int_equal(store_mail_set(p->store, row, "monica@lab", 1), 0);
	store_close(p->store);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE phone; PRAGMA user_version = 4", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	p->store = open_at(p);
	assert_int_equal(store_registration(p->store, &monica, &r), 0);
	assert_string_equal(r.mail, "monica@lab");
	assert_int_equal(store_phone_set(p->store, row, "mobile", "+491701234567", 2), 0);
}

static void take(void *to, const struct store_intent *i)
{
	*(struct store_intent *)to = *i;
}

static void take_notice(void *to, const struct store_notice *n)
{
	*(struct store_notice *)to = *n;
}

static void F5_F7_intents_and_notices(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct store_intent intent = { .at = 7, .account = monica, .correlation = "c" }, found = {};
	struct store_notice notice = {};
	int64_t row, n, last;

	strcpy(intent.account.mark, "before");
	assert_int_equal(store_intent_add(s, &intent, &row), 0);
	assert_int_equal(store_intents(s, 0, 1, take, &found), 0);
	assert_string_equal(found.account.mark, "before");
	assert_int_equal(store_intent_end(s, row, "unknown"), 0);
	assert_int_equal(store_intent_count(s, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_intent_end(s, row, "done"), 0);
	assert_int_equal(store_intent_count(s, &n), 0);
	assert_int_equal(n, 0);
	/* What is decided stays decided. */
	assert_int_equal(store_intent_end(s, row, "failed"), 1);
	assert_int_equal(store_notices(s, 0, 1, take_notice, &notice), 0);
	assert_string_equal(notice.kind, "reset");
	assert_string_equal(notice.correlation, "c");
	assert_string_equal(notice.account.object, "1000");
	assert_string_equal(notice.address, STORE_NOBODY_YET);
	assert_int_equal(notice.at, 7);
	last = notice.row;
	assert_int_equal(store_notice_done(s, last), 0);
	notice.row = 0;
	assert_int_equal(store_notices(s, 0, 1, take_notice, &notice), 0);
	assert_int_equal(notice.row, 0);
	/* One that comes later is behind, whatever has gone: the outbox would not see it otherwise. */
	assert_int_equal(store_notice_add(s, &notice), 0);
	assert_int_equal(store_notices(s, last, 1, take_notice, &notice), 0);
	assert_true(notice.row > last);
}

/* Entra: resetting the same account, 5 in an hour, blocks for 24 hours from the last; success does not clear it. */
static void so_many_resets_block(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();

	for (int i = 0; i < 4; i++) {
		assert_int_equal(store_reset_count(s, &l, "local:1000", 1000 + i), 0);
		assert_int_equal(store_limits_succeeded(s, &l, "local:1000", 1000 + i), 0);
		assert_int_equal(store_blocked(s, "local:1000", 1000 + i), 0);
	}
	assert_int_equal(store_reset_count(s, &l, "local:1000", 2000), 0);
	assert_int_equal(store_blocked(s, "local:1000", 2000 + 86399), 1);
	assert_int_equal(store_limits_succeeded(s, &l, "local:1000", 2000), 0);
	assert_int_equal(store_blocked(s, "local:1000", 2000 + 86399), 1);
	assert_int_equal(store_blocked(s, "local:1000", 2000 + 86400), 0);
	assert_int_equal(store_blocked(s, "local:1001", 2000), 0);
	assert_int_equal(release(s, 77, "local:1000", true), 0);
	assert_int_equal(store_blocked(s, "local:1000", 2000), 1);
	/* An administrator may. */
	assert_int_equal(store_limits_clear(s, "local:1000"), 0);
	assert_int_equal(store_reset_count(s, &l, "local:1000", 2001), 0);
	assert_int_equal(store_blocked(s, "local:1000", 2001), 0);
}

static void old_resets_do_not_count(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();

	for (int i = 0; i < 20; i++) {
		assert_int_equal(store_reset_count(s, &l, "local:1000", 1000 + i * 901), 0);
		assert_int_equal(store_blocked(s, "local:1000", 1000 + i * 901), 0);
	}
}

/* Entra: 10 codes in 10 minutes, and the one after them blocks for 24 hours. */
static void M2_a_burst_of_messages_blocks(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();
	struct store_try send = { .who = "local:1000", .gate = "", .seat = "tty1", .at = 1000 };

	l.sends_per_day = 1000;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(store_send(s, &l, &send), 0);
		assert_int_equal(store_blocked(s, "local:1000", 1000), 0);
	}
	assert_int_equal(store_send(s, &l, &send), 1);
	assert_int_equal(store_send_overrun(s, &l, &send), 0);
	assert_int_equal(store_blocked(s, "local:1000", 1000 + 86399), 1);
	send.who = "local:1001";
	assert_int_equal(store_send_overrun(s, &l, &send), 0);
	assert_int_equal(store_blocked(s, "local:1001", 1000), 0);
	send.who = "local:1000";
	/* An administrator ends it, and the next message is no overrun again. */
	assert_int_equal(store_limits_clear(s, "local:1000"), 0);
	assert_int_equal(store_send_overrun(s, &l, &send), 0);
	assert_int_equal(store_blocked(s, "local:1000", 1000), 0);
	assert_int_equal(store_send(s, &l, &send), 0);
}

static void add_counter(void *to, const struct store_counter *c)
{
	char line[256];

	snprintf(line, sizeof(line), "%s %s %s %lld %lld %lld\n", c->scope, *c->name ? c->name : c->who, c->gate, (long long)c->count,
		 (long long)c->until, (long long)c->blocked_until);
	strncat(to, line, 4000 - strlen(to));
}

static void counters_are_shown_and_forgotten(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct policy_limits l = limits();
	struct store_try send = { .who = "local:1000", .gate = "", .seat = "tty1", .at = 1000 };
	char shown[4096] = "";

	add(s, &monica);
	for (int i = 0; i < 5; i++)
		try_at(s, "local:1000", i < 2 ? "email" : "authenticator", "tty1", 1000 + i, NULL);
	try_at(s, "name:0123", "email", "tty2", 1000, NULL);
	assert_int_equal(store_send(s, &l, &send), 0);
	assert_int_equal(store_reset_count(s, &l, "local:1000", 1000), 0);
	assert_int_equal(store_counters(s, &l, 1010, 0, 99, add_counter, shown), 0);
	assert_string_equal(shown, "account monica all 5 87404 0\n"
				   "account monica authenticator 3 4604 0\n"
				   "account monica block 0 0 87404\n"
				   "account monica email 2 4601 0\n"
				   "account monica resets 1 4600 0\n"
				   "account monica sends 1 87400 0\n"
				   "account name:0123 all 1 87400 0\n"
				   "account name:0123 email 1 4600 0\n"
				   "global  all 6 4604 0\n"
				   "global  sends 1 4600 0\n"
				   "seat tty1 all 5 4604 0\n"
				   "seat tty1 sends 1 4600 0\n"
				   "seat tty1 users 1 4604 0\n"
				   "seat tty2 all 1 4600 0\n"
				   "seat tty2 users 1 4600 0\n");
	shown[0] = 0;
	assert_int_equal(store_counters(s, &l, 1010, 13, 1, add_counter, shown), 0);
	assert_string_equal(shown, "seat tty2 all 1 4600 0\n");
	/* A seat is freed, its accounts are not. */
	assert_int_equal(store_counters_clear_seat(s, "tty1"), 0);
	assert_int_equal(store_counters_clear_seat(s, "tty1"), 1);
	assert_int_equal(store_blocked(s, "local:1000", 1010), 1);
	shown[0] = 0;
	assert_int_equal(store_counters(s, &l, 1010, 0, 99, add_counter, shown), 0);
	assert_null(strstr(shown, "tty1"));
	assert_non_null(strstr(shown, "account monica all 5"));
	assert_int_equal(store_counters_clear(s, "local:1000"), 0);
	assert_int_equal(store_counters_clear(s, "local:1000"), 1);
	shown[0] = 0;
	assert_int_equal(store_counters(s, &l, 1010, 0, 99, add_counter, shown), 0);
	assert_null(strstr(shown, "monica"));
	assert_int_equal(store_counters_clear_all(s), 0);
	assert_int_equal(store_counters_clear_all(s), 1);
	shown[0] = 0;
	assert_int_equal(store_counters(s, &l, 1010, 0, 99, add_counter, shown), 0);
	assert_string_equal(shown, "");
}

/* As a phone and of nobody's account, beside the messages that there are in all. */
static void messages_to_phones_are_shown_and_forgotten(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct store_aliases aliases = { .n = 1, .who = { "name:4567" } };
	struct store_try send = { .who = "local:1000", .gate = "", .seat = "tty1", .at = 1000, .aliases = &aliases };
	struct policy_limits l = limits();
	char shown[4096] = "", expected[512], number[STORE_WHO] = "";
	const char *phone;

	assert_int_equal(store_send(s, &l, &send), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_send_phone(s, &l, "+491701234567", 1000 + i), 0);
	assert_int_equal(store_counters(s, &l, 1010, 0, 99, add_counter, shown), 0);
	phone = strstr(shown, "phone +");
	assert_non_null(phone);
	assert_int_equal(sscanf(phone, "phone %95s", number), 1);
	snprintf(expected, sizeof(expected),
		 "account local:1000 sends 1 87400 0\nglobal  phones 2 87401 0\nglobal  sends 1 4600 0\nphone %s sends 2 87401 0\n"
		 "seat tty1 sends 1 4600 0\n",
		 number);
	assert_string_equal(shown, expected);
	assert_int_equal(store_counters_clear(s, number), 0);
	assert_int_equal(store_counters_clear(s, number), 1);
	shown[0] = 0;
	assert_int_equal(store_counters(s, &l, 1010, 0, 99, add_counter, shown), 0);
	assert_null(strstr(shown, "phone"));
	assert_non_null(strstr(shown, "account local:1000 sends 1"));
}

/* ---- helpdesk passes ---- */

static int issue(struct store *s, int64_t row, const char *who, const char *issuer, int64_t now, struct secret *ret)
{
	struct store_pass pass = { .issued = now, .life = 1800, .expires = now + 1800, .verified = "call back" };
	struct registration_pass kept;
	struct policy_limits l = limits();

	strcpy(pass.issuer, issuer);
	assert_int_equal(pass_make(store_pass_key(s), ret, &kept), 0);
	return store_pass_issue(s, &l, row, who, &pass, &kept);
}

static bool passes(struct store *s, const struct secret *pass, int64_t now, struct proof *ret)
{
	struct moment moment = { .lasting = now };
	struct registration r = {};
	struct proof_question q = { .registration = &r, .pass_key = store_pass_key(s), .answer = pass, .now = &moment };

	assert_int_equal(store_registration(s, &monica, &r), 0);
	return method_pass.verify(&q, ret);
}

static void a_pass_is_good_once(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct secret pass, other;
	int64_t row = add(s, &monica);
	struct proof proof = {};

	assert_int_equal(issue(s, row, "local:1000", "root by uid 7", 1000, &pass), 0);
	other = pass;
	other.b[0] = other.b[0] == '7' ? '8' : '7';
	assert_false(passes(s, &other, 1001, &proof));
	assert_true(passes(s, &pass, 1001, &proof));
	assert_int_equal(store_proof_use(s, row, &proof), 0);
	assert_int_equal(store_proof_use(s, row, &proof), 1);
	proof = (struct proof){};
	assert_false(passes(s, &pass, 1001, &proof));
	assert_int_equal(proof.pass_row, 0);
}

static void a_pass_runs_out_by_the_lasting_clock(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct registration r = {};
	struct secret pass;
	int64_t row = add(s, &monica);
	struct proof proof = {};

	assert_int_equal(issue(s, row, "local:1000", "root", 1000, &pass), 0);
	assert_true(passes(s, &pass, 1000 + 1799, &proof));
	assert_false(passes(s, &pass, 1000 + 1800, &proof));
	assert_int_equal(store_registration(s, &monica, &r), 0);
	registration_expire(&r, 1000 + 1799);
	assert_true(method_pass.registered(&r));
	registration_expire(&r, 1000 + 1800);
	assert_false(method_pass.registered(&r));
	/* C9: a clock that was set back gives it no more than its time. */
	assert_int_equal(store_limits_clamp(s, 100, 86400), 0);
	assert_true(passes(s, &pass, 100 + 1799, &proof));
	assert_false(passes(s, &pass, 100 + 1800, &proof));
}

static void take_pass(void *to, const struct store_pass *p)
{
	*(struct store_pass *)to = *p;
}

static void a_user_has_one_pass(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct store_pass found = {};
	struct secret first, second;
	int64_t row = add(s, &monica), old;
	struct proof proof = {};

	assert_int_equal(issue(s, row, "local:1000", "root by uid 7", 1000, &first), 0);
	assert_true(passes(s, &first, 1000, &proof));
	old = proof.pass_row;
	assert_int_equal(issue(s, row, "local:1000", "root by uid 8", 1000, &second), 0);
	assert_false(passes(s, &first, 1000, &proof));
	assert_true(passes(s, &second, 1000, &proof));
	/* Who had proven the first in the same moment has nothing to use up. */
	proof.pass_row = old;
	assert_int_equal(store_proof_use(s, row, &proof), 1);
	assert_int_equal(store_pass_list(s, 0, 1000, 10, take_pass, &found), 0);
	assert_string_equal(found.issuer, "root by uid 8");
	assert_string_equal(found.verified, "call back");
	assert_string_equal(found.account.name, "monica");
	found.row = 0;
	assert_int_equal(store_pass_list(s, 0, 1000 + 1800, 10, take_pass, &found), 0);
	assert_int_equal(found.row, 0);
	assert_int_equal(store_pass_revoke(s, row), 0);
	assert_int_equal(store_pass_revoke(s, row), 1);
	assert_false(passes(s, &second, 1000, &proof));
}

static void issuers_and_users_have_limits(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	int64_t row = add(s, &monica), other = add(s, &pavel);
	struct secret pass;

	for (int i = 0; i < 3; i++)
		assert_int_equal(issue(s, row, "local:1000", "root by uid 7", 1000, &pass), 0);
	/* Revoked or not, they were given out. */
	assert_int_equal(store_pass_revoke(s, row), 0);
	assert_int_equal(issue(s, row, "local:1000", "root by uid 8", 1000, &pass), 2);
	assert_int_equal(issue(s, other, "local:1001", "root by uid 7", 1000, &pass), 0);
	assert_int_equal(issue(s, other, "local:1001", "root by uid 7", 1000, &pass), 1);
	assert_int_equal(issue(s, other, "local:1001", "root by uid 8", 1000, &pass), 0);
	assert_int_equal(issue(s, row, "local:1000", "root by uid 7", 1000 + 86399, &pass), 1);
	assert_int_equal(issue(s, row, "local:1000", "root by uid 7", 1000 + 86400, &pass), 0);
}

/* C13: who has the database has no pass: nothing in it is the pass, or can be made into one without the key. */
static void C13_a_pass_is_not_in_the_database(void **state)
{
	struct place *p = *state;
	char bare[16], bytes[1 << 16];
	struct secret pass;
	size_t n, at = 0;

	assert_int_equal(issue(p->store, add(p->store, &monica), "local:1000", "root", 1000, &pass), 0);
	assert_int_equal(pass.len, 11);
	for (size_t i = 0; i < pass.len; i++)
		if (pass.b[i] != '-')
			bare[at++] = pass.b[i];
	assert_int_equal(at, 10);
	store_close(TAKE_PTR(p->store));
	{
		_cleanup_(fclosep) FILE *f = fopen(p->db, "re");

		while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0) {
			assert_null(memmem(bytes, n, pass.b, pass.len));
			assert_null(memmem(bytes, n, bare, at));
		}
	}
}

/* ---- migrations ---- */

static void execute(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

/* A database as version 2 left it, with a notice that is still to be sent, and one write under way. */
static void version_2_comes_along(void **state)
{
	struct place *p = *state;
	struct store_intent intent = {};
	struct store_notice notice = {};
	struct registration r = {};
	struct secret pass;
	struct proof proof = {};
	char wal[112];
	sqlite3 *db;

	store_close(TAKE_PTR(p->store));
	unlink(p->db);
	unlink(p->made);
	snprintf(wal, sizeof(wal), "%s-wal", p->db);
	unlink(wal);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	execute(db, sql_migrations[0]);
	execute(db, sql_migrations[1]);
	execute(db, "INSERT INTO account (directory, object, name, added) VALUES ('local', '1000', 'monica', 1);"
		    "INSERT INTO address VALUES (1, 'monica@lab.test', 1);"
		    "INSERT INTO intent (correlation, directory, object, name, mark, at, state, notice) VALUES"
		    " ('a', 'local', '1000', 'monica', 'm', 5, 'done', 1), ('b', 'local', '1000', 'monica', 'm', 6, 'done', 0),"
		    " ('c', 'local', '1000', 'monica', 'm', 7, 'unknown', 0);"
		    "PRAGMA user_version = 2");
	sqlite3_close(db);
	p->store = open_at(p);
	assert_int_equal(store_registration(p->store, &monica, &r), 0);
	assert_string_equal(r.mail, "monica@lab.test");
	assert_int_equal(store_notices(p->store, 0, 9, take_notice, &notice), 0);
	assert_string_equal(notice.correlation, "a");
	assert_string_equal(notice.address, STORE_NOBODY_YET);
	assert_int_equal(notice.at, 5);
	assert_int_equal(store_intents(p->store, 0, 9, take, &intent), 0);
	assert_string_equal(intent.correlation, "c");
	assert_int_equal(store_intent_end(p->store, intent.row, "done"), 0);
	assert_int_equal(store_notices(p->store, notice.row, 9, take_notice, &notice), 0);
	assert_string_equal(notice.correlation, "c");
	assert_int_equal(issue(p->store, r.account, "local:1000", "root", 1000, &pass), 0);
	assert_true(passes(p->store, &pass, 1000, &proof));
}

/* ---- history ---- */

/* A write of this password, with that outcome. */
static void write_ends(struct store *s, const struct account *a, const char *password, unsigned int keep, const char *state)
{
	struct store_intent intent = { .at = 7, .account = *a, .correlation = "c" };
	struct secret new = secret_of(password);
	int64_t row;

	assert_int_equal(store_history_make(s, a, &new, keep, &intent.history), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_intent_add(s, &intent, &row), 0);
	assert_int_equal(store_commit(s), 0);
	if (*state)
		assert_int_equal(store_intent_end(s, row, state), 0);
}

static int had(struct store *s, const struct account *a, const char *password, unsigned int most)
{
	struct secret p = secret_of(password);

	return store_history_has(s, a, &p, most);
}

static int64_t count(const struct place *p, const char *query)
{
	sqlite3_stmt *get = NULL;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &get, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	n = sqlite3_column_int64(get, 0);
	sqlite3_finalize(get);
	sqlite3_close(db);
	return n;
}

static void W5_the_last_passwords_are_known(void **state)
{
	struct store *s = ((struct place *)*state)->store;

	write_ends(s, &monica, "First-77", 3, "done");
	write_ends(s, &monica, "Second-77", 3, "done");
	write_ends(s, &monica, "Third-77", 3, "done");
	assert_int_equal(had(s, &monica, "First-77", 3), 1);
	assert_int_equal(had(s, &monica, "Third-77", 3), 1);
	assert_int_equal(had(s, &monica, "first-77", 3), 0);
	assert_int_equal(had(s, &monica, "First-7", 3), 0);
	/* Of the last two only. */
	assert_int_equal(had(s, &monica, "First-77", 2), 0);
	assert_int_equal(had(s, &pavel, "First-77", 3), 0);
}

static void a_history_is_cut_to_what_is_kept(void **state)
{
	struct place *p = *state;

	write_ends(p->store, &pavel, "Others-77", 3, "done");
	for (char c = 'a'; c <= 'f'; c++)
		write_ends(p->store, &monica, (char[]){ c, 'b', 'c', 0 }, 3, "done");
	assert_int_equal(count(p, "SELECT count(*) FROM history WHERE object = '1000'"), 3);
	assert_int_equal(had(p->store, &monica, "dbc", 24), 1);
	assert_int_equal(had(p->store, &monica, "cbc", 24), 0);
	write_ends(p->store, &monica, "Switched-off", 0, "done");
	assert_int_equal(count(p, "SELECT count(*) FROM history WHERE object = '1000'"), 0);
	assert_int_equal(had(p->store, &pavel, "Others-77", 24), 1);
}

/* Whoever finds the outcome out, and when: the dialogue, or the outbox after a restart. */
static void a_password_is_of_the_history_once_it_was_written(void **state)
{
	struct place *p = *state;
	struct store_intent found = {};

	write_ends(p->store, &monica, "Refused-77", 5, "failed");
	write_ends(p->store, &monica, "Unknown-77", 5, "unknown");
	assert_int_equal(had(p->store, &monica, "Refused-77", 5), 0);
	assert_int_equal(had(p->store, &monica, "Unknown-77", 5), 0);
	store_close(p->store);
	p->store = open_at(p);
	assert_int_equal(store_intents(p->store, 0, 1, take, &found), 0);
	assert_int_equal(store_intent_end(p->store, found.row, "done"), 0);
	assert_int_equal(had(p->store, &monica, "Unknown-77", 5), 1);
	assert_int_equal(had(p->store, &monica, "Refused-77", 5), 0);
	/* What is decided leaves nothing behind in the list of writes. */
	assert_int_equal(count(p, "SELECT count(*) FROM intent WHERE hash IS NOT NULL OR salt IS NOT NULL"), 0);
}

static void an_outcome_that_is_not_committed_brings_no_history(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct store_intent found = {};

	write_ends(s, &monica, "Pending-77", 5, "");
	assert_int_equal(store_intents(s, 0, 1, take, &found), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_intent_end(s, found.row, "done"), 0);
	store_rollback(s);
	assert_int_equal(had(s, &monica, "Pending-77", 5), 0);
	assert_int_equal(store_intent_end(s, found.row, "done"), 0);
	assert_int_equal(had(s, &monica, "Pending-77", 5), 1);
}

static void a_history_goes_with_its_account(void **state)
{
	struct place *p = *state;
	int64_t row = add(p->store, &monica);

	write_ends(p->store, &monica, "Mine-77", 5, "done");
	write_ends(p->store, &pavel, "Mine-77", 5, "done");
	assert_int_equal(store_account_remove(p->store, row), 0);
	assert_int_equal(had(p->store, &monica, "Mine-77", 5), 0);
	assert_int_equal(had(p->store, &pavel, "Mine-77", 5), 1);
}

/* D2 for passwords: a row that was moved to another account, or read without the credential, fits nothing. */
static void D2_a_history_does_not_move(void **state)
{
	struct place *p = *state;
	sqlite3 *db;

	write_ends(p->store, &monica, "Mine-77", 5, "done");
	assert_int_equal(count(p, "SELECT count(*) FROM history WHERE hash = '' OR instr(hash, 'Mine') OR length(hash) != 32"), 0);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE history SET object = '1001'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(had(p->store, &pavel, "Mine-77", 5), 0);
	assert_int_equal(sqlite3_exec(db, "UPDATE history SET object = '1000'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(had(p->store, &monica, "Mine-77", 5), 1);
	assert_int_equal(sqlite3_exec(db, "UPDATE history SET salt = x'00'", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(had(p->store, &monica, "Mine-77", 5), 0);
	sqlite3_close(db);
}

static void the_same_password_twice_has_two_hashes(void **state)
{
	struct place *p = *state;

	write_ends(p->store, &monica, "Mine-77", 5, "done");
	write_ends(p->store, &monica, "Mine-77", 5, "done");
	assert_int_equal(count(p, "SELECT count(DISTINCT hash) + count(DISTINCT salt) FROM history"), 4);
}

/* A database as version 2 has left it, with somebody in it and a write under way. */
static void a_database_of_version_2_is_taken_over(void **state)
{
	static const char rows[] =
		"INSERT INTO account (id, directory, object, name, added, gone) VALUES (1, 'local', '1000', 'monica', 1, 0);"
		"INSERT INTO address VALUES (1, 'monica@lab.test', 1);"
		"INSERT INTO intent (correlation, directory, object, name, mark, at, state)"
		" VALUES ('c', 'local', '1000', 'monica', 'before', 7, 'pending');"
		"PRAGMA user_version = 2;";
	struct place *p = *state;
	struct registration r = {};
	struct store_intent found = {};
	sqlite3 *db;

	store_close(p->store);
	unlink(p->db);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql_migrations[0], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql_migrations[1], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	p->store = open_at(p);
	assert_int_equal(count(p, "PRAGMA user_version"), SQL_VERSION);
	assert_int_equal(store_registration(p->store, &monica, &r), 0);
	assert_string_equal(r.mail, "monica@lab.test");
	assert_int_equal(store_intents(p->store, 0, 1, take, &found), 0);
	assert_string_equal(found.account.mark, "before");
	write_ends(p->store, &monica, "Mine-77", 5, "done");
	assert_int_equal(store_intent_end(p->store, found.row, "done"), 0);
	assert_int_equal(had(p->store, &monica, "Mine-77", 5), 1);
	assert_int_equal(count(p, "SELECT count(*) FROM history"), 1);
	registration_wipe(&r);
}

static void audit_add(struct store *s, const char *activity)
{
	struct store_audit row = { .at = 5 };

	snprintf(row.activity, sizeof(row.activity), "%s", activity);
	strcpy(row.target, "monica");
	assert_int_equal(store_audit_add(s, &row, 1000), 0);
}

static void D7_the_audit_shows_every_change(void **state)
{
	static const char *const changes[] = {
		"UPDATE audit SET result = 'success' WHERE id = 2",
		"UPDATE audit SET target = 'pavel' WHERE id = 3",
		"DELETE FROM audit WHERE id = 2",
		"UPDATE audit SET id = 99 WHERE id = 2",
	};
	struct place *p = *state;
	int64_t broken, rows;
	sqlite3 *db;

	for (int i = 0; i < 4; i++)
		audit_add(p->store, "a");
	assert_int_equal(store_audit_verify(p->store, &broken, &rows), 0);
	assert_int_equal(rows, 4);
	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		assert_int_equal(sqlite3_exec(db, "SAVEPOINT s", NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, "CREATE TEMP TABLE kept AS SELECT * FROM audit", NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, "RELEASE s", NULL, NULL, NULL), SQLITE_OK);
		if (store_audit_verify(p->store, &broken, &rows) != 1)
			fail_msg("not seen: %s", changes[i]);
		assert_int_equal(sqlite3_exec(db, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept",
					      NULL, NULL, NULL),
				 SQLITE_OK);
	}
	assert_int_equal(store_audit_verify(p->store, &broken, &rows), 0);
	sqlite3_close(db);
}

static void Q2_the_audit_does_not_grow_for_ever(void **state)
{
	struct store *s = ((struct place *)*state)->store;
	struct store_audit row = { .at = 5 };
	int64_t broken, rows;

	assert_int_equal(store_begin(s), 0);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(store_audit_add(s, &row, 300), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_audit_verify(s, &broken, &rows), 0);
	assert_int_equal(rows, 300);
	audit_add(s, "Blocked");
	assert_int_equal(store_audit_recent(s, "monica", "Blocked", 0, 100), 1);
	assert_int_equal(store_audit_recent(s, "pavel", "Blocked", 0, 100), 0);
	assert_int_equal(store_audit_recent(s, "pavel", "Blocked", 0, 1), 1);
	assert_int_equal(store_audit_recent(s, "monica", "Blocked", 5, 100), 0);
}

/* ---- when it must not be used ---- */

static void D1_another_key_opens_nothing(void **state)
{
	struct place *p = *state;
	struct crypto_key other = { .b = { 1 } };

	store_close(TAKE_PTR(p->store));
	assert_non_null(strstr(refusal(p, &other), "another key"));
	p->store = open_at(p);
}

static void D4_a_missing_database_is_not_made_anew(void **state)
{
	struct place *p = *state;

	store_close(TAKE_PTR(p->store));
	unlink(p->db);
	assert_non_null(strstr(refusal(p, &master), "missing"));
	assert_int_equal(access(p->db, F_OK), -1);
}

static void F13_a_damaged_database_is_left_as_it_is(void **state)
{
	static const char junk[] = "this is no database, and it is longer than the hundred bytes that SQLite would read first, "
				   "so that it is sure to look at them";
	struct place *p = *state;
	char back[sizeof(junk)];
	int fd;

	add(p->store, &monica);
	store_close(TAKE_PTR(p->store));
	fd = open(p->db, O_RDWR);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
	assert_non_null(strstr(refusal(p, &master), "damaged"));
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(back));
	assert_memory_equal(back, junk, sizeof(junk));
	close(fd);
}

static void F13_an_empty_file_is_no_new_database(void **state)
{
	struct place *p = *state;

	store_close(TAKE_PTR(p->store));
	assert_int_equal(truncate(p->db, 0), 0);
	assert_non_null(strstr(refusal(p, &master), "damaged"));
}

static void F13_a_torn_page_is_seen(void **state)
{
	struct place *p = *state;
	char zero[4096] = { 0 };
	int fd;

	add(p->store, &monica);
	store_close(TAKE_PTR(p->store));
	fd = open(p->db, O_RDWR);
	memset(zero, 0xa5, sizeof(zero));
	assert_int_equal(pwrite(fd, zero, sizeof(zero), 4096), sizeof(zero));
	close(fd);
	assert_non_null(strstr(refusal(p, &master), "damaged"));
}

static void F52_a_second_process_is_kept_out(void **state)
{
	assert_non_null(strstr(refusal(*state, &master), "another ssprd"));
}

/* ---- C9 F16 F17: the lasting clock ---- */

static void C9_the_lasting_clock_never_goes_back(void **state)
{
	struct place *p = *state;
	struct store_clock ahead = { .boot = "another-boot", .lasting = 4000000000 };
	struct clock c = {};
	struct moment m;

	assert_int_equal(store_clock_save(p->store, &ahead), 0);
	assert_int_equal(clock_init(&c, p->store), 0);
	clock_now(&c, &m);
	assert_true(m.lasting >= 4000000000);
	assert_true(m.wall < m.lasting);
	assert_int_equal(clock_accept(&c, p->store), 0);
	clock_now(&c, &m);
	assert_in_range(m.lasting, m.wall - 2, m.wall + 2);
}

static void F17_within_a_boot_the_wall_clock_does_not_matter(void **state)
{
	struct place *p = *state;
	struct store_clock saved;
	struct clock c = {}, again = {};
	struct moment a, b;

	assert_int_equal(clock_init(&c, p->store), 0);
	assert_int_equal(store_clock_load(p->store, &saved), 0);
	/* As if the wall clock had been a day ahead until now. */
	saved.lasting -= 86400;
	assert_int_equal(store_clock_save(p->store, &saved), 0);
	assert_int_equal(clock_init(&again, p->store), 0);
	clock_now(&c, &a);
	clock_now(&again, &b);
	assert_in_range(a.lasting - b.lasting, 86399, 86401);
}

/* ---- seats ---- */

static void seats_count_in_a_row(void **state _unused_)
{
	static struct seats s;

	assert_int_equal(seats_failed(&s, "monica", "tty1", 1000000), 1);
	assert_int_equal(seats_failed(&s, "monica", "tty1", 1000001), 2);
	assert_int_equal(seats_failed(&s, "monica", "tty2", 1000001), 1);
	assert_int_equal(seats_failed(&s, "pavel", "tty1", 1000001), 1);
	assert_int_equal(seats_failed(&s, "monica", "tty1", 1000002), 3);
	seats_forget_failures(&s, "monica", "tty1");
	assert_int_equal(seats_failed(&s, "monica", "tty1", 1000003), 1);
	assert_int_equal(seats_failed(&s, "monica", "tty1", 1000003 + 16 * 60000), 1);
	for (int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "u%d", i);
		seats_failed(&s, name, "tty1", 3000000 + i);
	}
	assert_int_equal(seats_failed(&s, "u999", "tty1", 3001000), 2);
}

static void a_kept_code_is_taken_once_at_its_seat(void **state _unused_)
{
	static struct seats s;
	struct code c = { .expires = 5000, .tries = 5 }, found;
	struct moment now = { .boot = 1000 };
	unsigned int method;

	seats_keep_code(&s, "local:1000", "tty1", &c, 1);
	assert_false(seats_take_code(&s, "local:1000", "tty2", &now, &found, &method));
	assert_false(seats_take_code(&s, "local:1001", "tty1", &now, &found, &method));
	assert_true(seats_take_code(&s, "local:1000", "tty1", &now, &found, &method));
	assert_int_equal(method, 1);
	assert_false(seats_take_code(&s, "local:1000", "tty1", &now, &found, &method));
	seats_keep_code(&s, "local:1000", "tty1", &c, 1);
	now.boot = 5000;
	assert_false(seats_take_code(&s, "local:1000", "tty1", &now, &found, &method));
}

#define with_store(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_store(registrations_come_back),
		with_store(C2_C15_what_was_used_is_used),
		with_store(D2_a_seed_does_not_move),
		with_store(C3_exactly_so_many_tries),
		with_store(C4_an_account_counts_over_gates_and_days),
		with_store(a_proof_that_was_right_is_no_failure),
		with_store(C4_nobody_takes_back_the_failure_of_another),
		with_store(C4_a_right_proof_clears_no_failures),
		with_store(E1_what_counts_for_one_counts_for_its_other_names),
		with_store(C8_a_mirrored_failure_is_one_failure),
		with_store(C8_a_seat_has_a_budget),
		with_store(C8_all_seats_together_have_one),
		with_store(C7_one_account_one_counter),
		with_store(C9_blocks_do_not_shrink),
		with_store(C9_an_accepted_clock_frees_the_future),
		with_store(C5_a_count_survives_a_kill),
		with_store(M2_messages_are_counted),
		with_store(M2_a_seat_has_a_budget_of_messages),
		with_store(M2_a_number_has_a_budget_and_all_phones_have_one),
		with_store(phones_are_kept_and_replaced),
		with_store(version_4_becomes_version_5),
		with_store(F5_F7_intents_and_notices),
		with_store(W5_the_last_passwords_are_known),
		with_store(a_history_is_cut_to_what_is_kept),
		with_store(a_password_is_of_the_history_once_it_was_written),
		with_store(an_outcome_that_is_not_committed_brings_no_history),
		with_store(a_history_goes_with_its_account),
		with_store(D2_a_history_does_not_move),
		with_store(the_same_password_twice_has_two_hashes),
		with_store(a_database_of_version_2_is_taken_over),
		with_store(so_many_resets_block),
		with_store(old_resets_do_not_count),
		with_store(M2_a_burst_of_messages_blocks),
		with_store(counters_are_shown_and_forgotten),
		with_store(messages_to_phones_are_shown_and_forgotten),
		with_store(a_pass_is_good_once),
		with_store(a_pass_runs_out_by_the_lasting_clock),
		with_store(a_user_has_one_pass),
		with_store(issuers_and_users_have_limits),
		with_store(C13_a_pass_is_not_in_the_database),
		with_store(version_2_comes_along),
		with_store(D7_the_audit_shows_every_change),
		with_store(Q2_the_audit_does_not_grow_for_ever),
		with_store(D1_another_key_opens_nothing),
		with_store(D4_a_missing_database_is_not_made_anew),
		with_store(F13_a_damaged_database_is_left_as_it_is),
		with_store(F13_an_empty_file_is_no_new_database),
		with_store(F13_a_torn_page_is_seen),
		with_store(F52_a_second_process_is_kept_out),
		with_store(C9_the_lasting_clock_never_goes_back),
		with_store(F17_within_a_boot_the_wall_clock_does_not_matter),
		cmocka_unit_test(seats_count_in_a_row),
		cmocka_unit_test(a_kept_code_is_taken_once_at_its_seat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
