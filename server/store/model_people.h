/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants and who works in them: plain values, as model.h has them. */
#ifndef OTA_SERVER_STORE_MODEL_PEOPLE_H
#define OTA_SERVER_STORE_MODEL_PEOPLE_H

#include "../../common/crypto/password.h"
#include "model.h"
#include "model_settings.h"

#define SCOPE_MAX_GROUPS 8
/* Group names with a blank between them; "": the whole tenant. */
#define SCOPE_TEXT_MAX_LEN (SCOPE_MAX_GROUPS * (GROUP_NAME_MAX_LEN + 1) - 1)
#define ADDRESS_MAX_LEN 63
#define SECRET_ID_LEN 16 /* the first hex digits of a credential's digest */
#define PERSON_MAX_SESSIONS 32
/* A session used later than now by more than this was used by a clock that was ahead: it
 * does not count, or its life would be as much too long. */
#define PERSON_CLOCK_STEP_MS ((int64_t)3600000)
#define TENANT_MAX_TOKENS 500
#define MAX_TENANTS 1000

struct api_token {
	char tenant[TENANT_MAX_LEN + 1];
	uint8_t hash[SHA256_LEN];
	char prefix[13]; /* shown in lists */
	char name[USER_MAX_LEN + 1];
	enum role role;
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	char made_by[USER_MAX_LEN + 1];
	int64_t created_at, expires_at; /* 0: does not expire */
};

/* One-time; exchanged for a session. */
struct login_token {
	uint8_t hash[SHA256_LEN];
	char user[USER_MAX_LEN + 1];
	enum role role;
	int64_t expires_at;
};

struct session {
	char tenant[TENANT_MAX_LEN + 1];
	uint8_t hash[SHA256_LEN];
	char user[USER_MAX_LEN + 1];
	enum role role;
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	bool of_person; /* not by a link: there is a password to ask for again */
	char address[ADDRESS_MAX_LEN + 1]; /* where it was begun */
	int64_t created_at, expires_at;
	int64_t seen_at;   /* to a minute */
	int64_t proved_at; /* when its owner proved last who they are */
};

/* What a login asks the store to begin. */
struct session_open {
	char name[USER_MAX_LEN + 1];
	uint64_t revision; /* of the person whose password it was */
	uint8_t hash[SHA256_LEN];
	uint8_t old_hash[SHA256_LEN]; /* this session ends; none is fine */
	int64_t expires_at;
	char address[ADDRESS_MAX_LEN + 1];
};

struct person {
	char name[USER_MAX_LEN + 1]; /* person_name_check() */
	char password[PASSWORD_HASH_MAX_LEN + 1];
	enum role role;
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	bool disabled;
	int64_t created_at, password_at, login_at;
	uint64_t revision;
};

/* What changes of a person; each change ends the person's sessions. */
struct person_change {
	char name[USER_MAX_LEN + 1];
	bool set_role; /* and the scope with it */
	enum role role;
	char scope[SCOPE_TEXT_MAX_LEN + 1];
	bool set_disabled, disabled;
	bool set_password;
	char password[PASSWORD_HASH_MAX_LEN + 1];
	uint64_t expect_revision; /* 0: any */
};

/* 0 in a limit: none. */
struct tenant {
	char name[TENANT_MAX_LEN + 1];
	int64_t created_at;
	uint64_t max_devices;
	uint64_t max_bytes; /* of artifacts and of uploads in flight */
	uint64_t max_uploads;
	uint64_t max_streams;
	uint64_t n_devices;		 /* out only */
	struct tenant_settings settings; /* TENANT_CHOOSE */
};

/*
 * Columns as STORE_VERBS has them; the functions stand in verbs_people.c (credentials)
 * and verbs_person.c (people, tenants). A credential names its tenant, so verbs that
 * look one up by its digest find it in any tenant and say whose it is.
 */
/* clang-format off */
#define STORE_VERBS_PEOPLE(X)                                                            \
	X(API_TOKEN_CREATE, STORE_WRITE)  /* in.api_token; ERR_LIMIT beyond TENANT_MAX_TOKENS */ \
	X(API_TOKEN_GET, STORE_READ)	  /* in.hash -> out.api_token of any tenant, unexpired at now_ms */ \
	X(API_TOKEN_LIST, STORE_READ)	  /* -> items of struct api_token */             \
	X(API_TOKEN_DELETE, STORE_WRITE)  /* in.hash */                                  \
	X(ADMINS_END, STORE_WRITE)	  /* drops all API tokens, login links and sessions with an admin's role */ \
	X(LOGIN_CREATE, STORE_WRITE)	  /* in.login */                                 \
	X(LOGIN_EXCHANGE, STORE_WRITE)	  /* in.exchange {token hash, session}: takes the token once -> out.session in any tenant; ERR_AUTH */ \
	X(SESSION_OPEN, STORE_WRITE)	  /* in.session_open: of a person as they were when the password was checked -> out.session; ERR_AUTH: changed since */ \
	X(SESSION_GET, STORE_READ)	  /* in.session_get -> out.session of any tenant, unexpired at now_ms, not idle, not of the future */ \
	X(SESSION_LIST, STORE_READ)	  /* in.person_name -> items of struct session, of now_ms */ \
	X(SESSION_TOUCH, STORE_WRITE)	  /* in.session_touch: seen now, and proved now if so; none is fine */ \
	X(SESSION_DELETE, STORE_WRITE)	  /* in.hash, of any tenant; none is fine */     \
	X(PERSON_CREATE, STORE_WRITE)	  /* in.person -> out.person; ERR_CONFLICT */    \
	X(PERSON_GET, STORE_READ)	  /* in.person_name -> out.person */             \
	X(PERSON_LIST, STORE_READ)	  /* in.page -> items of struct person, by name */ \
	X(PERSON_SET, STORE_WRITE)	  /* in.person_change -> out.person; ends sessions; ERR_PRECONDITION */ \
	X(PERSON_DELETE, STORE_WRITE)	  /* in.person_name; ends sessions */            \
	X(TENANT_CREATE, STORE_WRITE)	  /* in.tenant_row -> out.tenant_row; ERR_CONFLICT */ \
	X(TENANT_GET, STORE_READ)	  /* the call's own tenant -> out.tenant_row */  \
	X(TENANT_LIST, STORE_READ)	  /* -> items of struct tenant: all there are */ \
	X(TENANT_SET, STORE_WRITE)	  /* in.tenant_row: its limits -> out.tenant_row */
/* clang-format on */

/* 1 to USER_MAX_LEN of letters, digits and "._@+-". */
int person_name_check(const char *text, struct err *e) MUST_USE;
/* Puts group names in the scope's form: sorted, each once. ERR_FORMAT: not a group's
 * name; ERR_LIMIT: more than SCOPE_MAX_GROUPS. */
int scope_write(const char *const *groups, size_t n, char ret[SCOPE_TEXT_MAX_LEN + 1],
		struct err *e) MUST_USE;
/* Stands in a scope where a group was that is deleted; no group can be called so. */
#define SCOPE_NO_GROUP "!"

/* The i-th group of a scope into ret; false behind the last. */
bool scope_group(const char *scope, size_t i, char ret[GROUP_NAME_MAX_LEN + 1]);

/* What a credential is called where it is listed and revoked. */
void secret_id(const uint8_t hash[SHA256_LEN], char ret[SECRET_ID_LEN + 1]);

#endif
