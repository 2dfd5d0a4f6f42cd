// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* An account as its directory knows it. All empty: nobody. */

#define ACCOUNT_DIRECTORY 24
#define ACCOUNT_OBJECT 48
#define ACCOUNT_NAME 128
#define ACCOUNT_MARK 72

struct account {
	char directory[ACCOUNT_DIRECTORY]; /* the NAME of [directory NAME] */
	char object[ACCOUNT_OBJECT];	   /* the immutable id: uid, objectId, objectGUID, entryUUID */
	char name[ACCOUNT_NAME];	   /* as the directory spells it */
	char mark[ACCOUNT_MARK];	   /* differs after every change of the password, tells nothing about it */
};
