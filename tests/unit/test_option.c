/* SPDX-License-Identifier: Apache-2.0 */
/* program_main() as a whole: arguments and files in, values, texts and exit status out.
 * What it prints is caught by pointing the standard descriptors at files. */
#include "../../common/base/file.h"
#include "../../common/base/option.h"

#include "testing.h"

#include <fcntl.h>

struct values {
	bool flag;
	bool maybe;
	uint64_t port;
	uint64_t size;
	uint64_t timeout;
	const char *url;
	const char *ca;
	struct option_list names;
};

/* What the command saw, copied, since the values end with program_main(). */
static struct seen {
	int runs;
	struct values values;
	char url[64];
	char ca[256];
	char names[64];
	char operands[64];
	enum log_level level;
	enum log_form form;
	enum err_code fail_with;
} seen;

static int remember(void *values, int n, char **operands, const struct log *log,
		    struct err *e)
{
	const struct values *v = values;

	seen.runs++;
	seen.values = *v;
	seen.level = log->level;
	seen.form = log->form;
	(void)snprintf(seen.url, sizeof(seen.url), "%s", v->url != NULL ? v->url : "-");
	(void)snprintf(seen.ca, sizeof(seen.ca), "%s", v->ca != NULL ? v->ca : "-");
	for (size_t i = 0; i < v->names.n_items; i++)
		(void)strcat(strcat(seen.names, v->names.items[i]), ",");
	for (int i = 0; i < n; i++)
		(void)strcat(strcat(seen.operands, operands[i]), ",");
	if (seen.fail_with != ERR_NONE)
		return err_set(e, seen.fail_with, "it went wrong");
	return 0;
}

#define AT(member) offsetof(struct values, member)

static const struct option common[] = {
    {NULL, "at", OPT_TEXT, AT(url), NULL, "URL", "Where the server is"},
    {"server", "url", OPT_TEXT, AT(url), NULL, "URL", "Where the server is"},
    {"server", "ca", OPT_PATH, AT(ca), NULL, "FILE", "Whom to trust"},
    {NULL, "json", OPT_FLAG, AT(flag), NULL, NULL, "Print JSON"},
    OPTION_END,
};

static const struct option push_options[] = {
    {"push", "port", OPT_U64, AT(port), "8443", NULL, "Which port"},
    {"push", "part-size", OPT_SIZE, AT(size), "4MiB", NULL, "How much at once"},
    {"push", "timeout", OPT_DURATION, AT(timeout), "30s", NULL, "How long to wait"},
    {NULL, "version", OPT_TEXT, AT(ca), NULL, "VERSION", "A version of its own"},
    {"push", "maybe", OPT_BOOL, AT(maybe), NULL, NULL, "Whether or not"},
    {"push", "name", OPT_LIST, AT(names), "nobody", "NAME", "Who"},
    OPTION_END,
};

static const struct command commands[] = {
    {"release push", "BUNDLE [SERVER]", 1, 2, push_options, "Send a release", remember},
    {"release list", "", 0, 0, NULL, "List releases", remember},
    {"keys init", "DIR", 1, 1, NULL, "Make keys", remember},
    {.name = NULL},
};

static char home[] = "/tmp/ota-option-XXXXXX";

static const char *in_home(const char *name)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void write_file(const char *name, const char *content)
{
	struct err e = ERR_INIT;

	OK(file_replace(in_home(name), content, strlen(content), 0600, &e));
}

/* Points fd at a file of home; returns what it pointed at. */
static int redirect(int fd, const char *name)
{
	int saved = dup(fd);
	int to = open(in_home(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(saved >= 0 && to >= 0);
	assert_int_equal(dup2(to, fd), fd);
	(void)close(to);
	return saved;
}

static void restore(int fd, int saved)
{
	assert_int_equal(dup2(saved, fd), fd);
	(void)close(saved);
}

static struct buf out;
static struct buf err;

static void read_caught(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;

	buf_fini(ret);
	*ret = BUF_INIT(1 << 20);
	OK(file_read(in_home(name), ret, &e));
}

#define MAX_ARGS 12

/* words: split at blanks; "@" stands for the temporary directory. */
static int run_program(struct program *p, const char *words)
{
	struct values values = {0};
	char text[512] = "";
	char *argv[MAX_ARGS + 1] = {"ota"};
	int argc = 1;
	char *at;
	int saved_out;
	int saved_err;
	int result;

	for (const char *w = words; *w != '\0'; w++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s",
			       *w == '@' ? (int)strlen(home) : 1, *w == '@' ? home : w);
	for (char *w = strtok_r(text, " ", &at); w != NULL;
	     w = strtok_r(NULL, " ", &at))
		argv[argc++] = w;
	assert_true(argc <= MAX_ARGS);
	seen = (struct seen){.fail_with = seen.fail_with};
	p->values = &values;
	saved_out = redirect(STDOUT_FILENO, "out");
	saved_err = redirect(STDERR_FILENO, "err");
	result = program_main(p, argc, argv);
	restore(STDOUT_FILENO, saved_out);
	restore(STDERR_FILENO, saved_err);
	read_caught("out", &out);
	read_caught("err", &err);
	return result;
}

static int run(const char *words)
{
	struct program p = {.name = "ota",
			    .summary = "Try things out",
			    .options = common,
			    .commands = commands,
			    .config_file = "~/usual.ini"};

	return run_program(&p, words);
}

static void assert_says(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) == NULL)
		fail_msg("\"%s\" is not in:\n%s", text, buf_str(b));
}

static void refused(const char *words, const char *reason)
{
	int status = run(words);

	if (status != EXIT_USAGE)
		fail_msg("%s: exit %d, not 2", words, status);
	assert_int_equal(seen.runs, 0);
	assert_says(&err, reason);
}

static void values_come_from_the_defaults_first(void **state)
{
	(void)state;
	assert_int_equal(run("release push b.ota"), EXIT_DONE);
	assert_int_equal(seen.runs, 1);
	assert_int_equal(seen.values.port, 8443);
	assert_int_equal(seen.values.size, 4 << 20);
	assert_int_equal(seen.values.timeout, 30000);
	assert_false(seen.values.flag);
	assert_string_equal(seen.names, "nobody,");
	assert_string_equal(seen.operands, "b.ota,");
	assert_string_equal(seen.url, "-");
	assert_int_equal(seen.level, LOG_INFO);
}

static void the_file_outranks_defaults_and_the_command_line_the_file(void **state)
{
	(void)state;
	write_file("a.ini",
		   "; comment\n[server]\nurl = https://file\nca = ca.pem\n"
		   "[push]\nport=1\ntimeout=5m\nname = a\nname = b\nmaybe = on\n"
		   "[log]\nlevel = debug\nform = json\n");
	assert_int_equal(
	    run("release push b --config @/a.ini --push-port 2 --log-level=warn"),
	    EXIT_DONE);
	assert_string_equal(seen.url, "https://file");
	assert_int_equal(seen.values.port, 2);
	assert_int_equal(seen.values.timeout, 300000);
	assert_true(seen.values.maybe);
	assert_string_equal(seen.names, "a,b,");
	assert_int_equal(seen.level, LOG_WARN);
	assert_int_equal(seen.form, LOG_JSON);
	assert_int_equal(
	    run("--config=@/a.ini release push b --push-name c --push-name d"),
	    EXIT_DONE);
	assert_string_equal(seen.names, "c,d,");
}

static void a_relative_path_in_a_file_counts_from_that_file(void **state)
{
	(void)state;
	write_file("a.ini", "[server]\nca = ca.pem\n");
	assert_int_equal(run("release list --config @/a.ini"), EXIT_DONE);
	assert_string_equal(seen.ca, in_home("ca.pem"));
	write_file("a.ini", "[server]\nca = /etc/ca.pem\n");
	assert_int_equal(run("release list --config @/a.ini"), EXIT_DONE);
	assert_string_equal(seen.ca, "/etc/ca.pem");
	assert_int_equal(run("release list --server-ca ca.pem"), EXIT_DONE);
	assert_string_equal(seen.ca, "ca.pem");
}

static void the_usual_file_is_read_if_it_is_there(void **state)
{
	(void)state;
	write_file("usual.ini", "[server]\nurl = https://usual\n");
	assert_int_equal(run("release list"), EXIT_DONE);
	assert_string_equal(seen.url, "https://usual");
	write_file("a.ini", "[server]\nca = x\n");
	assert_int_equal(run("release list --config @/a.ini"), EXIT_DONE);
	assert_string_equal(seen.url, "-");
	assert_int_equal(unlink(in_home("usual.ini")), 0);
	assert_int_equal(run("release list"), EXIT_DONE);
	assert_string_equal(seen.url, "-");
}

static void options_and_operands_mix_in_any_order(void **state)
{
	(void)state;
	assert_int_equal(
	    run("--json release --server-url U push --push-maybe no one two"),
	    EXIT_DONE);
	assert_true(seen.values.flag);
	assert_string_equal(seen.operands, "one,two,");
	assert_string_equal(seen.url, "U");
	assert_int_equal(run("release list --at V"), EXIT_DONE);
	assert_string_equal(seen.url, "V");
	assert_int_equal(run("release push -- --json -"), EXIT_DONE);
	assert_false(seen.values.flag);
	assert_string_equal(seen.operands, "--json,-,");
}

static void a_wrong_command_line_is_refused_in_one_sentence(void **state)
{
	static const struct {
		const char *words;
		const char *reason;
	} rows[] = {
	    {"", "ota: a command is missing\nTry \"ota --help\".\n"},
	    {"release", "release what? One of: push, list"},
	    {"relase list", "there is no command \"relase\"; did you mean release?"},
	    {"release lst",
	     "there is no command \"release lst\"; did you mean release list?"},
	    {"release list x", "\"x\" is one argument too many"},
	    {"release push",
	     "release push needs BUNDLE [SERVER]\nTry \"ota release push --help\"."},
	    {"release push a b c", "\"c\" is one argument too many"},
	    {"release push b --push-prot 1",
	     "unknown option --push-prot; did you mean --push-port?"},
	    {"release list --push-port 1", "unknown option --push-port"},
	    {"release list --zzzzz", "unknown option --zzzzz\n"},
	    {"release list -x", "options begin with --"},
	    {"release push b --push-port", "--push-port needs a value"},
	    {"release push b --push-port x", "--push-port: \"x\" is not a number"},
	    {"release push b --push-part-size 1MB",
	     "--push-part-size: \"1MB\" is not a size"},
	    {"release push b --push-timeout 5",
	     "--push-timeout: \"5\" is not a duration"},
	    {"release push b --push-maybe perhaps", "neither yes nor no"},
	    {"release push b --push-port 1 --push-port 2", "--push-port: given twice"},
	    {"release list --log-level loud", "\"loud\" is not a log level"},
	    {"release list --config @/none.ini", "configuration: "},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++)
		refused(rows[i].words, rows[i].reason);
}

static void a_wrong_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *content;
		const char *reason;
	} rows[] = {
	    {"[server]\nurl = x\nulr = y\n",
	     "line 3: unknown key \"ulr\" in section [server]; did you mean url?"},
	    {"\n[sever]\nurl = x\n",
	     "line 3: unknown section [sever]; did you mean server?"},
	    {"[server]\nurl = x\nurl = y\n", "line 3: [server] url: given twice"},
	    {"[push]\nport = many\n", "line 2: [push] port: \"many\" is not a number"},
	    {"url = x\n", "line 1: key \"url\" stands before any [section]"},
	    {"[server]\nurl x\n", "line 2: neither [section] nor"},
	    {"[server\nurl = x\n", "line 1: neither [section] nor"},
	    {"[server]\njson = yes\n", "line 2: unknown key \"json\""},
	    {"[log]\nlevel = loud\n", "\"loud\" is not a log level"},
	    {"[server]\nurl = a\n\nurl = b\n[nonsense]\nx = y\n",
	     "line 4: [server] url: given twice"},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		write_file("a.ini", rows[i].content);
		refused("release list --config @/a.ini", rows[i].reason);
	}
}

static void a_line_too_long_is_refused_not_cut(void **state)
{
	char text[400] = "[server]\nurl = ";

	(void)state;
	memset(text + strlen(text), 'x', 250);
	write_file("a.ini", text);
	refused("release list --config @/a.ini", "line 2: longer than");
}

static void the_exit_status_is_that_of_the_error(void **state)
{
	static const struct {
		enum err_code code;
		int status;
	} rows[] = {
	    {ERR_IO, EXIT_FAILED},
	    {ERR_SIGNATURE, EXIT_REFUSED},
	    {ERR_UNREACHABLE, EXIT_UNREACHABLE},
	    {ERR_USAGE, EXIT_USAGE},
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(rows); i++) {
		seen.fail_with = rows[i].code;
		assert_int_equal(run("release list"), rows[i].status);
		assert_says(&err, "ota: it went wrong\n");
	}
	seen.fail_with = ERR_NONE;
}

static void help_names_every_command_and_every_option(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), EXIT_DONE);
	assert_int_equal(seen.runs, 0);
	assert_says(&out, "release push BUNDLE [SERVER]");
	assert_says(&out, "keys init DIR");
	assert_says(&out, "--at URL");
	assert_says(&out, "--log-level LEVEL");
	assert_null(strstr(buf_str(&out), "print-man"));
	assert_null(strstr(buf_str(&out), "--server-url"));
	assert_int_equal(run("release push --help"), EXIT_DONE);
	assert_says(&out, "Usage: ota release push [OPTIONS] BUNDLE [SERVER]");
	assert_says(&out, "--push-timeout TIME");
	assert_says(&out, "[30s]");
	assert_says(&out, "(may be repeated) [nobody]");
	assert_int_equal(run("-h"), EXIT_DONE);
}

static void no_line_of_help_is_wider_than_a_terminal(void **state)
{
	const char *p;

	(void)state;
	assert_int_equal(run("--help"), EXIT_DONE);
	for (p = buf_str(&out); *p != '\0'; p += strcspn(p, "\n") + 1) {
		if (strcspn(p, "\n") > 80)
			fail_msg("%.*s", (int)strcspn(p, "\n"), p);
	}
}

static void the_version_is_printed_unless_the_command_has_its_own(void **state)
{
	(void)state;
	assert_int_equal(run("release push b --version 2.0"), EXIT_DONE);
	assert_string_equal(seen.ca, "2.0");
	assert_int_equal(run("--version"), EXIT_DONE);
	assert_string_equal(buf_str(&out), "ota " OTA_VERSION "\n");
}

static void the_configuration_reference_has_every_key_once(void **state)
{
	const char *first;

	(void)state;
	assert_int_equal(run("--print-config"), EXIT_DONE);
	first = strstr(buf_str(&out), "\n[log]\n");
	assert_non_null(first);
	assert_null(strstr(first + 2, "[log]"));
	assert_says(&out, "[server]\n# Where the server is: text.\n#url =\n");
	assert_says(&out, "#timeout = 30s\n");
	assert_null(strstr(buf_str(&out), "json ="));
}

/* What is printed is a file that is read without complaint, also with its keys alive.
 */
static void the_configuration_reference_is_a_valid_file(void **state)
{
	char *p;

	(void)state;
	assert_int_equal(run("--print-config"), EXIT_DONE);
	for (p = (char *)out.data; (p = strstr(p, "\n#")) != NULL; p++) {
		char *end = p + 2 + strcspn(p + 2, "\n");

		if (p[2] != ' ' && end[-1] != '=')
			memmove(p + 1, p + 2, strlen(p + 2) + 1);
	}
	write_file("a.ini", buf_str(&out));
	if (run("release list --config @/a.ini") != EXIT_DONE)
		fail_msg("%s", buf_str(&err));
}

static void the_man_page_is_roff_that_man_takes(void **state)
{
	(void)state;
	assert_int_equal(run("--print-man"), EXIT_DONE);
	assert_says(&out, ".TH \"OTA\" 1");
	assert_says(&out, ".SS \"ota release push BUNDLE [SERVER]\"");
	assert_says(&out, ".B \\-\\-push\\-timeout \\fITIME\\fR");
	assert_says(&out, ".B \\-\\-at \\fIURL\\fR\nWhere the server is.\n"
			  "In the configuration file: [server] url.\n");
	assert_says(&out, ".SH EXIT STATUS");
}

static void bash_takes_the_completion_and_offers_verbs(void **state)
{
	char command[512];

	(void)state;
	if (system("bash --version >/dev/null 2>&1") != 0)
		skip();
	assert_int_equal(run("--print-completion"), EXIT_DONE);
	write_file("completion", buf_str(&out));
	(void)snprintf(
	    command, sizeof(command),
	    "bash -c '. %s/completion; COMP_WORDS=(ota release \"\"); COMP_CWORD=2; "
	    "_ota; test \"${COMPREPLY[*]}\" = \"push list\" && "
	    "COMP_WORDS=(ota release push --push-po); COMP_CWORD=3; _ota; "
	    "test \"${COMPREPLY[*]}\" = --push-port && "
	    "COMP_WORDS=(ota k); COMP_CWORD=1; _ota; "
	    "test \"${COMPREPLY[*]}\" = keys'",
	    home);
	assert_int_equal(system(command), 0);
}

static void a_program_without_commands_has_options_and_operands(void **state)
{
	static const struct command only[] = {
	    {"", "", 0, 0, NULL, "", remember},
	    {.name = NULL},
	};
	struct program p = {
	    .name = "ota-boot", .summary = "Boot", .options = common, .commands = only};

	(void)state;
	assert_int_equal(run_program(&p, "--server-url x"), EXIT_DONE);
	assert_string_equal(seen.url, "x");
	assert_int_equal(run_program(&p, "operand"), EXIT_USAGE);
	assert_says(&err, "Try \"ota-boot --help\".");
	assert_int_equal(run_program(&p, "--help"), EXIT_DONE);
	assert_says(&out, "Usage: ota-boot [OPTIONS]\n\nBoot.\n");
	assert_int_equal(run_program(&p, "--print-completion"), EXIT_DONE);
	assert_says(&out, "complete -o default -F _ota_boot ota-boot");
	assert_int_equal(run_program(&p, "--print-man"), EXIT_DONE);
}

static int make_home(void **state)
{
	(void)state;
	return mkdtemp(home) == NULL || setenv("HOME", home, 1) < 0 ? -1 : 0;
}

static int drop_home(void **state)
{
	static const char *const names[] = {"a.ini", "out", "err", "completion"};

	(void)state;
	for (size_t i = 0; i < N_ELEMS(names); i++)
		(void)unlink(in_home(names[i]));
	buf_fini(&out);
	buf_fini(&err);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_come_from_the_defaults_first),
	    cmocka_unit_test(the_file_outranks_defaults_and_the_command_line_the_file),
	    cmocka_unit_test(a_relative_path_in_a_file_counts_from_that_file),
	    cmocka_unit_test(the_usual_file_is_read_if_it_is_there),
	    cmocka_unit_test(options_and_operands_mix_in_any_order),
	    cmocka_unit_test(a_wrong_command_line_is_refused_in_one_sentence),
	    cmocka_unit_test(a_wrong_file_is_refused_with_its_line),
	    cmocka_unit_test(a_line_too_long_is_refused_not_cut),
	    cmocka_unit_test(the_exit_status_is_that_of_the_error),
	    cmocka_unit_test(help_names_every_command_and_every_option),
	    cmocka_unit_test(no_line_of_help_is_wider_than_a_terminal),
	    cmocka_unit_test(the_version_is_printed_unless_the_command_has_its_own),
	    cmocka_unit_test(the_configuration_reference_has_every_key_once),
	    cmocka_unit_test(the_configuration_reference_is_a_valid_file),
	    cmocka_unit_test(the_man_page_is_roff_that_man_takes),
	    cmocka_unit_test(bash_takes_the_completion_and_offers_verbs),
	    cmocka_unit_test(a_program_without_commands_has_options_and_operands),
	};

	return cmocka_run_group_tests_name("option", tests, make_home, drop_home);
}
