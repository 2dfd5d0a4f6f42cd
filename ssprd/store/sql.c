// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store/sql.h"

const char *const sql_migrations[SQL_VERSION] = {
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE account (id INTEGER PRIMARY KEY, directory TEXT NOT NULL, object TEXT NOT NULL,"
	"  name TEXT NOT NULL, added INTEGER NOT NULL, UNIQUE (directory, object));"
	"CREATE INDEX account_name ON account (name);"
	"CREATE TABLE authenticator (account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,"
	"  seed BLOB NOT NULL, last_step INTEGER NOT NULL, added INTEGER NOT NULL);"
	"CREATE TABLE address (account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,"
	"  mail TEXT NOT NULL, added INTEGER NOT NULL);"
	"CREATE TABLE recovery (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,"
	"  salt BLOB NOT NULL, hash BLOB NOT NULL, added INTEGER NOT NULL);"
	"CREATE INDEX recovery_account ON recovery (account);"
	/* who: 'local:1000', or 'name:' and an HMAC of a name that is no account. */
	"CREATE TABLE attempt (id INTEGER PRIMARY KEY, who TEXT NOT NULL, gate TEXT NOT NULL, seat TEXT NOT NULL,"
	"  at INTEGER NOT NULL);"
	"CREATE INDEX attempt_who ON attempt (who, at);"
	"CREATE INDEX attempt_seat ON attempt (seat, at);"
	"CREATE INDEX attempt_at ON attempt (at);"
	"CREATE TABLE block (who TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE send (id INTEGER PRIMARY KEY, who TEXT NOT NULL, seat TEXT NOT NULL, at INTEGER NOT NULL);"
	"CREATE INDEX send_who ON send (who, at);"
	"CREATE INDEX send_seat ON send (seat, at);"
	"CREATE INDEX send_at ON send (at);"
	"CREATE TABLE intent (id INTEGER PRIMARY KEY, correlation TEXT NOT NULL, directory TEXT NOT NULL,"
	"  object TEXT NOT NULL, name TEXT NOT NULL, mark TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,"
	"  notice INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX intent_open ON intent (state) WHERE state IN ('pending', 'unknown');"
	"CREATE INDEX intent_notice ON intent (notice) WHERE notice = 1;"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, correlation TEXT NOT NULL, activity TEXT NOT NULL,"
	"  result TEXT NOT NULL, reason TEXT NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL, object TEXT NOT NULL,"
	"  seat TEXT NOT NULL, actor TEXT NOT NULL, hash BLOB NOT NULL);"
	"CREATE INDEX audit_activity ON audit (activity, at);",
	/* When its directory said that there is no such account any more; 0: it has not. */
	"ALTER TABLE account ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;",
	/* kind: 'mobile' or 'office'. A send to a phone has a second row, whose who is '+' and an HMAC of the number. */
	("CREATE TABLE phone (account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE, kind TEXT NOT NULL,"
	 "  number TEXT NOT NULL, added INTEGER NOT NULL, PRIMARY KEY (account, kind)) WITHOUT ROWID;"),
};

#define AUDIT_COLUMNS "id, at, correlation, activity, result, reason, method, target, object, seat, actor, hash"

const char *const sql_text[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_META_GET] = "SELECT value FROM meta WHERE key = ?",
	[SQL_META_SET] = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[SQL_ACCOUNT_ADD] = "INSERT INTO account (directory, object, name, added) VALUES (?, ?, ?, ?)",
	[SQL_ACCOUNT_RENAME] = "UPDATE account SET name = ?, gone = 0 WHERE id = ?",
	[SQL_ACCOUNT_FIND] = "SELECT id FROM account WHERE directory = ? AND object = ?",
	/* Principal names have no case (Entra: sspr-policy); local names have. */
	[SQL_ACCOUNT_BY_NAME] = "SELECT id, directory, object, name FROM account WHERE name = ?1"
				" OR (instr(?1, '@') AND name = ?1 COLLATE NOCASE) LIMIT 1",
	[SQL_ACCOUNT_LIST] = "SELECT a.id, a.directory, a.object, a.name,"
			     " (SELECT count(*) FROM authenticator WHERE account = a.id),"
			     " (SELECT count(*) FROM address WHERE account = a.id),"
			     " (SELECT count(*) FROM recovery WHERE account = a.id),"
			     " (SELECT number FROM phone WHERE account = a.id AND kind = 'mobile'),"
			     " (SELECT number FROM phone WHERE account = a.id AND kind = 'office'),"
			     " coalesce((SELECT until FROM block WHERE who = a.directory || ':' || a.object), 0), a.gone"
			     " FROM account a WHERE a.id > ? AND (?2 = '' OR a.name = ?2 OR (instr(?2, '@')"
			     " AND a.name = ?2 COLLATE NOCASE)) ORDER BY a.id LIMIT ?3",
	[SQL_ACCOUNT_GONE] = "UPDATE account SET gone = ? WHERE directory = ? AND object = ?",
	[SQL_ACCOUNT_COUNT] = "SELECT count(*) FROM account",
	[SQL_ACCOUNT_REMOVE] = "DELETE FROM account WHERE id = ?",
	[SQL_AUTHENTICATOR_GET] = "SELECT seed, last_step FROM authenticator WHERE account = ?",
	[SQL_AUTHENTICATOR_SET] = "INSERT INTO authenticator VALUES (?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET"
				  " seed = excluded.seed, last_step = excluded.last_step, added = excluded.added",
	/* The condition makes a time step good once, whoever comes at the same time. */
	[SQL_AUTHENTICATOR_USE] = "UPDATE authenticator SET last_step = ?2 WHERE account = ?1 AND last_step < ?2",
	[SQL_ADDRESS_GET] = "SELECT mail FROM address WHERE account = ?",
	[SQL_ADDRESS_SET] = "INSERT INTO address VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE SET"
			    " mail = excluded.mail, added = excluded.added",
	[SQL_PHONE_GET] = "SELECT kind, number FROM phone WHERE account = ?",
	[SQL_PHONE_SET] = "INSERT INTO phone VALUES (?, ?, ?, ?) ON CONFLICT (account, kind) DO UPDATE SET"
			  " number = excluded.number, added = excluded.added",
	[SQL_RECOVERY_GET] = "SELECT id, salt, hash FROM recovery WHERE account = ? ORDER BY id LIMIT 10",
	[SQL_RECOVERY_ADD] = "INSERT INTO recovery (account, salt, hash, added) VALUES (?, ?, ?, ?)",
	[SQL_RECOVERY_CLEAR] = "DELETE FROM recovery WHERE account = ?",
	[SQL_RECOVERY_USE] = "DELETE FROM recovery WHERE account = ? AND id = ?",
	[SQL_BLOCK_GET] = "SELECT until FROM block WHERE who = ?",
	/* A block never becomes shorter. */
	[SQL_BLOCK_SET] = "INSERT INTO block VALUES (?, ?) ON CONFLICT (who) DO UPDATE SET"
			  " until = max(until, excluded.until)",
	[SQL_BLOCK_CLEAR] = "DELETE FROM block WHERE who = ?",
	[SQL_BLOCK_FORGET] = "DELETE FROM block WHERE until < ?",
	[SQL_ATTEMPT_ADD] = "INSERT INTO attempt (who, gate, seat, at) VALUES (?, ?, ?, ?)",
	[SQL_ATTEMPT_RELEASE] = "DELETE FROM attempt WHERE id = ?",
	[SQL_ATTEMPT_CLEAR] = "DELETE FROM attempt WHERE who = ?",
	[SQL_ATTEMPT_FORGET] = "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < ? ORDER BY at LIMIT 32)",
	[SQL_COUNT_ACCOUNT] = "SELECT count(*) FROM attempt WHERE who = ? AND at > ?",
	[SQL_COUNT_GATE] = "SELECT count(*) FROM attempt WHERE who = ? AND at > ? AND gate = ?",
	[SQL_COUNT_SEAT] = "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE seat = ? AND at > ? LIMIT ?)",
	[SQL_COUNT_SEAT_USERS] = "SELECT count(DISTINCT who) FROM attempt WHERE seat = ? AND at > ?",
	[SQL_KNOWN_AT_SEAT] = "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE who = ? AND at > ? AND seat = ? LIMIT 1)",
	[SQL_COUNT_GLOBAL] = "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE at > ? LIMIT ?)",
	[SQL_SEND_COUNT] = "SELECT count(*) FROM send WHERE who = ? AND at > ?",
	[SQL_SEND_COUNT_SEAT] = "SELECT count(*) FROM (SELECT 1 FROM send WHERE seat = ? AND at > ? LIMIT ?)",
	/* Between '+' and ',' there are the rows of numbers, and no name of a directory begins there. */
	[SQL_SEND_COUNT_GLOBAL] = "SELECT count(*) FROM (SELECT 1 FROM send WHERE at > ? AND who > ',' LIMIT ?)",
	[SQL_SEND_COUNT_PHONES] = "SELECT count(*) FROM (SELECT 1 FROM send WHERE who > '+' AND who < ',' AND at > ? LIMIT ?)",
	[SQL_SEND_ADD] = "INSERT INTO send (who, seat, at) VALUES (?, ?, ?)",
	[SQL_SEND_FORGET] = "DELETE FROM send WHERE id IN (SELECT id FROM send WHERE at < ? ORDER BY at LIMIT 32)",
	[SQL_ATTEMPT_CLAMP] = "UPDATE attempt SET at = ?1 WHERE at > ?1",
	[SQL_SEND_CLAMP] = "UPDATE send SET at = ?1 WHERE at > ?1",
	[SQL_BLOCK_CLAMP] = "UPDATE block SET until = ?1 WHERE until > ?1",
	[SQL_INTENT_ADD] = "INSERT INTO intent (correlation, directory, object, name, mark, at, state)"
			   " VALUES (?, ?, ?, ?, ?, ?, 'pending')",
	[SQL_INTENT_END] = "UPDATE intent SET state = ?, notice = ? WHERE id = ? AND state IN ('pending', 'unknown')",
	[SQL_INTENT_OPEN] = "SELECT id, correlation, directory, object, name, mark, at, state FROM intent"
			    " WHERE state IN ('pending', 'unknown') AND id > ? ORDER BY id LIMIT ?",
	[SQL_INTENT_COUNT] = "SELECT count(*) FROM intent WHERE state IN ('pending', 'unknown')",
	[SQL_NOTICE_OPEN] = "SELECT id, correlation, directory, object, name, mark, at, state FROM intent"
			    " WHERE notice = 1 AND id > ? ORDER BY id LIMIT ?",
	[SQL_NOTICE_DONE] = "UPDATE intent SET notice = 0 WHERE id = ?",
	[SQL_AUDIT_ADD] = "INSERT INTO audit (at, correlation, activity, result, reason, method, target, object, seat, actor,"
			  " hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_AUDIT_LAST] = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1",
	[SQL_AUDIT_LIST] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE id > ? AND at >= ? AND (?3 = '' OR target = ?3)"
			   " ORDER BY id LIMIT ?4",
	[SQL_AUDIT_RECENT] = "SELECT count(*), coalesce(sum(target = ?1), 0) FROM (SELECT target FROM audit"
			     " WHERE activity = ?2 AND at > ?3 LIMIT ?4)",
	[SQL_AUDIT_CHAIN] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_AUDIT_PRUNE] = "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?",
};
