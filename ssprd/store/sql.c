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
	"ALTER TABLE account ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
	/* The lasting clock at the intent: how long ago that was, whatever becomes of the wall clock. */
	"ALTER TABLE intent ADD COLUMN lasting INTEGER NOT NULL DEFAULT 0;"
	/* What counts for one counts for every name that it could be taken for: the row, or the whom, that this one mirrors. */
	"ALTER TABLE attempt ADD COLUMN mirrors INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE send ADD COLUMN mirrors INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE block ADD COLUMN mirrors TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX attempt_mirrors ON attempt (mirrors) WHERE mirrors <> 0;",
	/* By directory and object, since an account can be reset without being one of the table's. */
	"CREATE TABLE history (id INTEGER PRIMARY KEY, directory TEXT NOT NULL, object TEXT NOT NULL,"
	"  salt BLOB NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL);"
	"CREATE INDEX history_account ON history (directory, object);"
	"CREATE TRIGGER history_of_account AFTER DELETE ON account BEGIN"
	"  DELETE FROM history WHERE directory = OLD.directory AND object = OLD.object; END;"
	/* Of the password that is being written, until its outcome is known; keep: how many the history then has. */
	"ALTER TABLE intent ADD COLUMN salt BLOB;"
	"ALTER TABLE intent ADD COLUMN hash BLOB;"
	"ALTER TABLE intent ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;",
	/* AUTOINCREMENT: the row of a pass that was replaced must never mean its successor. */
	"CREATE TABLE pass (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL UNIQUE"
	"  REFERENCES account (id) ON DELETE CASCADE, salt BLOB NOT NULL, hash BLOB NOT NULL, issuer TEXT NOT NULL,"
	"  verified TEXT NOT NULL, issued INTEGER NOT NULL, life INTEGER NOT NULL, expires INTEGER NOT NULL);"
	"CREATE TABLE pass_count (id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL);"
	/* Each time that an account had passed all gates. */
	"CREATE TABLE reset (id INTEGER PRIMARY KEY, who TEXT NOT NULL, at INTEGER NOT NULL);"
	"CREATE INDEX reset_who ON reset (who, at);"
	/* address: '' = it is not decided whom to tell, '?' = the directory is still to be asked for more. */
	/* AUTOINCREMENT: the outbox goes through them by number, and one that comes meanwhile must be behind. */
	"CREATE TABLE notice (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, correlation TEXT NOT NULL, directory TEXT NOT NULL,"
	"  object TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, address TEXT NOT NULL, told TEXT NOT NULL);"
	"INSERT INTO notice (kind, correlation, directory, object, name, at, address, told)"
	"  SELECT 'reset', correlation, directory, object, name, at, '', '' FROM intent WHERE notice = 1;"
	"DROP INDEX intent_notice;"
	"ALTER TABLE intent DROP COLUMN notice;",
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
				" OR (instr(?1, '@') AND name = ?1 COLLATE NOCASE) ORDER BY gone, id DESC LIMIT 1",
	[SQL_ACCOUNT_LIST] = "SELECT a.id, a.directory, a.object, a.name,"
			     " (SELECT count(*) FROM authenticator WHERE account = a.id),"
			     " (SELECT count(*) FROM address WHERE account = a.id),"
			     " (SELECT count(*) FROM recovery WHERE account = a.id),"
			     " (SELECT number FROM phone WHERE account = a.id AND kind = 'mobile'),"
			     " (SELECT number FROM phone WHERE account = a.id AND kind = 'office'),"
			     " coalesce((SELECT until FROM block WHERE who = a.directory || ':' || a.object), 0), a.gone"
			     " FROM account a WHERE a.id > ? AND (?2 = '' OR a.name = ?2 OR (instr(?2, '@')"
			     " AND a.name = ?2 COLLATE NOCASE)) ORDER BY a.id LIMIT ?3",
	[SQL_ACCOUNT_DISPLACE] = "UPDATE account SET gone = ?1 WHERE directory = ?2 AND object <> ?3 AND gone = 0"
				 " AND (name = ?4 OR (instr(?4, '@') AND name = ?4 COLLATE NOCASE))",
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
	[SQL_PASS_GET] = "SELECT id, salt, hash, expires FROM pass WHERE account = ?",
	[SQL_PASS_ADD] = "INSERT INTO pass (account, salt, hash, issuer, verified, issued, life, expires)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_PASS_CLEAR] = "DELETE FROM pass WHERE account = ?",
	[SQL_PASS_USE] = "DELETE FROM pass WHERE account = ? AND id = ?",
	[SQL_PASS_LIST] = "SELECT p.id, a.directory, a.object, a.name, p.issuer, p.verified, p.issued, p.expires"
			  " FROM pass p JOIN account a ON a.id = p.account WHERE p.id > ? AND p.expires > ? ORDER BY p.id LIMIT ?",
	[SQL_PASS_CLAMP] = "UPDATE pass SET expires = ?1 + life WHERE expires > ?1 + life",
	[SQL_PASS_COUNT] = "SELECT count(*) FILTER (WHERE issuer = ?1), count(*) FILTER (WHERE who = ?2) FROM pass_count"
			   " WHERE at > ?3",
	[SQL_PASS_COUNT_ADD] = "INSERT INTO pass_count (issuer, who, at) VALUES (?, ?, ?)",
	[SQL_PASS_COUNT_FORGET] = "DELETE FROM pass_count WHERE at < ?",
	[SQL_PASS_COUNT_CLAMP] = "UPDATE pass_count SET at = ?1 WHERE at > ?1",
	[SQL_BLOCK_GET] = "SELECT until FROM block WHERE who = ?",
	/* A block never becomes shorter. */
	[SQL_BLOCK_SET] = "INSERT INTO block VALUES (?, ?, ?) ON CONFLICT (who) DO UPDATE SET"
			  " until = max(until, excluded.until)",
	[SQL_BLOCK_CLEAR] = "DELETE FROM block WHERE who = ?1 OR mirrors = ?1",
	[SQL_BLOCK_FORGET] = "DELETE FROM block WHERE until < ?",
	[SQL_ATTEMPT_ADD] = "INSERT INTO attempt (who, gate, seat, at, mirrors) VALUES (?, ?, ?, ?, ?)",
	/* The ids of what was cleared come again: only whose it is may take it back. */
	[SQL_ATTEMPT_RELEASE] = "DELETE FROM attempt WHERE (id = ?1 OR (mirrors <> 0 AND mirrors = ?1))"
				" AND EXISTS (SELECT 1 FROM attempt WHERE id = ?1 AND who = ?2)",
	[SQL_ATTEMPT_CLEAR] = "DELETE FROM attempt WHERE who = ?",
	[SQL_ATTEMPT_CLEAR_MIRRORS] = "DELETE FROM attempt WHERE mirrors <> 0"
				      " AND mirrors IN (SELECT id FROM attempt WHERE who = ? AND mirrors = 0)",
	[SQL_ATTEMPT_FORGET] = "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < ? ORDER BY at LIMIT 32)",
	[SQL_COUNT_ACCOUNT] = "SELECT count(*) FROM attempt WHERE who = ? AND at > ?",
	[SQL_COUNT_GATE] = "SELECT count(*) FROM attempt WHERE who = ? AND at > ? AND gate = ?",
	[SQL_COUNT_SEAT] = "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE seat = ? AND at > ? LIMIT ?)",
	[SQL_COUNT_SEAT_USERS] = "SELECT count(DISTINCT who) FROM attempt WHERE seat = ? AND at > ?",
	[SQL_KNOWN_AT_SEAT] = "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE who = ? AND at > ? AND seat = ? LIMIT 1)",
	[SQL_COUNT_GLOBAL] = "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE at > ? AND mirrors = 0 LIMIT ?)",
	[SQL_SEND_COUNT] = "SELECT count(*) FROM send WHERE who = ? AND at > ?",
	[SQL_SEND_COUNT_SEAT] = "SELECT count(*) FROM (SELECT 1 FROM send WHERE seat = ? AND at > ? LIMIT ?)",
	/* Between '+' and ',' there are the rows of numbers, and no name of a directory begins there. */
	[SQL_SEND_COUNT_GLOBAL] = "SELECT count(*) FROM (SELECT 1 FROM send WHERE at > ? AND mirrors = 0 AND who > ',' LIMIT ?)",
	[SQL_SEND_COUNT_PHONES] = "SELECT count(*) FROM (SELECT 1 FROM send WHERE who > '+' AND who < ',' AND at > ? LIMIT ?)",
	[SQL_SEND_ADD] = "INSERT INTO send (who, seat, at, mirrors) VALUES (?, ?, ?, ?)",
	[SQL_SEND_FORGET] = "DELETE FROM send WHERE id IN (SELECT id FROM send WHERE at < ? ORDER BY at LIMIT 32)",
	[SQL_RESET_ADD] = "INSERT INTO reset (who, at) VALUES (?, ?)",
	[SQL_RESET_COUNT] = "SELECT count(*) FROM reset WHERE who = ? AND at > ?",
	[SQL_RESET_CLEAR] = "DELETE FROM reset WHERE who = ?",
	[SQL_RESET_FORGET] = "DELETE FROM reset WHERE id IN (SELECT id FROM reset WHERE at < ? ORDER BY at LIMIT 32)",
	[SQL_RESET_CLAMP] = "UPDATE reset SET at = ?1 WHERE at > ?1",
	[SQL_SEND_CLEAR] = "DELETE FROM send WHERE who = ?",
	[SQL_SEND_CLEAR_MIRRORS] = "DELETE FROM send WHERE mirrors <> 0"
				   " AND mirrors IN (SELECT id FROM send WHERE who = ? AND mirrors = 0)",
	/* ?1 is now, ?2 to ?6 are the windows: gate, account, reset, seat, global. Of a day: sends of an account, and to phones. */
	[SQL_COUNTERS] =
		"WITH c (scope, who, gate, n, until, blocked) AS ("
		"SELECT 'account', who, gate, count(*), max(at) + ?2, 0 FROM attempt WHERE at > ?1 - ?2 AND mirrors = 0 GROUP BY who, gate"
		" UNION ALL SELECT 'account', who, 'all', count(*), max(at) + ?3, 0 FROM attempt WHERE at > ?1 - ?3 AND mirrors = 0"
		" GROUP BY who"
		" UNION ALL SELECT 'account', who, 'resets', count(*), max(at) + ?4, 0 FROM reset WHERE at > ?1 - ?4 GROUP BY who"
		" UNION ALL SELECT 'account', who, 'sends', count(*), max(at) + 86400, 0 FROM send WHERE at > ?1 - 86400"
		" AND mirrors = 0 AND who > ',' GROUP BY who"
		" UNION ALL SELECT 'phone', who, 'sends', count(*), max(at) + 86400, 0 FROM send WHERE at > ?1 - 86400"
		" AND who > '+' AND who < ',' GROUP BY who"
		" UNION ALL SELECT 'account', who, 'block', 0, 0, until FROM block WHERE until > ?1 AND mirrors = ''"
		" UNION ALL SELECT 'seat', seat, 'all', count(*), max(at) + ?5, 0 FROM attempt WHERE at > ?1 - ?5 AND seat <> ''"
		" GROUP BY seat"
		" UNION ALL SELECT 'seat', seat, 'users', count(DISTINCT who), max(at) + ?5, 0 FROM attempt WHERE at > ?1 - ?5"
		" AND seat <> '' GROUP BY seat"
		" UNION ALL SELECT 'seat', seat, 'sends', count(*), max(at) + ?5, 0 FROM send WHERE at > ?1 - ?5 AND seat <> ''"
		" GROUP BY seat"
		" UNION ALL SELECT 'global' AS scope, '', 'all', count(*), max(at) + ?6, 0 FROM attempt WHERE at > ?1 - ?6"
		" AND mirrors = 0 GROUP BY scope"
		" UNION ALL SELECT 'global' AS scope, '', 'sends', count(*), max(at) + ?6, 0 FROM send WHERE at > ?1 - ?6"
		" AND mirrors = 0 AND who > ',' GROUP BY scope"
		" UNION ALL SELECT 'global' AS scope, '', 'phones', count(*), max(at) + 86400, 0 FROM send WHERE at > ?1 - 86400"
		" AND who > '+' AND who < ',' GROUP BY scope"
		") SELECT c.scope, c.who, c.gate, c.n, c.until, c.blocked, coalesce(a.name, '') FROM c"
		" LEFT JOIN account a ON c.scope = 'account' AND c.who = a.directory || ':' || a.object"
		" ORDER BY c.scope, c.who, c.gate LIMIT ?7 OFFSET ?8",
	/* What was tried there still counts for the accounts. */
	[SQL_ATTEMPT_LEAVE_SEAT] = "UPDATE attempt SET seat = '' WHERE seat = ?",
	[SQL_SEND_LEAVE_SEAT] = "UPDATE send SET seat = '' WHERE seat = ?",
	[SQL_ATTEMPT_CLEAR_ALL] = "DELETE FROM attempt",
	[SQL_BLOCK_CLEAR_ALL] = "DELETE FROM block",
	[SQL_RESET_CLEAR_ALL] = "DELETE FROM reset",
	[SQL_SEND_CLEAR_ALL] = "DELETE FROM send",
	[SQL_ATTEMPT_CLAMP] = "UPDATE attempt SET at = ?1 WHERE at > ?1",
	[SQL_SEND_CLAMP] = "UPDATE send SET at = ?1 WHERE at > ?1",
	[SQL_BLOCK_CLAMP] = "UPDATE block SET until = ?1 WHERE until > ?1",
	[SQL_INTENT_ADD] = "INSERT INTO intent (correlation, directory, object, name, mark, at, lasting, salt, hash, keep, state)"
			   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
	[SQL_INTENT_END] = "UPDATE intent SET state = ? WHERE id = ? AND state IN ('pending', 'unknown')",
	[SQL_INTENT_OPEN] = "SELECT id, correlation, directory, object, name, mark, at, state, lasting FROM intent"
			    " WHERE state IN ('pending', 'unknown') AND id > ? ORDER BY id LIMIT ?",
	[SQL_INTENT_COUNT] = "SELECT count(*) FROM intent WHERE state IN ('pending', 'unknown')",
	[SQL_INTENT_FORGET] = "UPDATE intent SET salt = NULL, hash = NULL WHERE id = ? AND hash IS NOT NULL",
	[SQL_HISTORY_TAKE] = "INSERT INTO history (directory, object, salt, hash, at)"
			     " SELECT directory, object, salt, hash, at FROM intent WHERE id = ? AND keep > 0",
	[SQL_HISTORY_PRUNE] = "DELETE FROM history WHERE id IN (SELECT h.id FROM intent i JOIN history h"
			      " ON h.directory = i.directory AND h.object = i.object WHERE i.id = ?1 AND i.salt IS NOT NULL"
			      " ORDER BY h.id DESC LIMIT -1 OFFSET (SELECT keep FROM intent WHERE id = ?1))",
	[SQL_HISTORY_LIST] = "SELECT salt, hash FROM history WHERE directory = ? AND object = ? ORDER BY id DESC LIMIT ?",
	[SQL_NOTICE_ADD] = "INSERT INTO notice (kind, correlation, directory, object, name, at, address, told)"
			   " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_NOTICE_OF_INTENT] = "INSERT INTO notice (kind, correlation, directory, object, name, at, address, told)"
				 " SELECT 'reset', correlation, directory, object, name, at, '', '' FROM intent WHERE id = ?",
	[SQL_NOTICE_OPEN] = "SELECT id, kind, correlation, directory, object, name, at, address, told FROM notice"
			    " WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_NOTICE_DONE] = "DELETE FROM notice WHERE id = ?",
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
