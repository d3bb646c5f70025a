/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of a device's parts, a row of the suite that every back-end runs. */
#include "fleet_fixture.h"

#include <string.h>

/* "modem 1.4 reported, rootfs 2.0 proven" */
static void must_have(struct store *s, const char *device, const char *want)
{
	struct store_call *c = verb(STORE_DEVICE_COMPONENTS);
	const struct component *p;
	char have[1024] = "";
	size_t n = 0;

	strcpy(c->in.device_id, device);
	must(s, c);
	p = c->items;
	for (size_t i = 0; i < c->n_items; i++)
		n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%s %s %s",
				      i > 0 ? ", " : "", p[i].name, p[i].version,
				      grade_name(p[i].grade));
	assert_string_equal(have, want);
	store_call_free(c);
}

static void confirm(struct store *s, const char *device, const char *release,
		    const char *version, enum grade grade)
{
	struct deployment d = get_deployment(s, assign(s, device, release));
	struct store_call *c = move_call(&d, DEPLOYMENT_CONFIRMED);

	c->in.move.grade = grade;
	c->in.move.device = (struct device_change){.set_version = true, .grade = grade};
	strcpy(c->in.move.device.version, version);
	done(s, c);
}

static void make_release_of(struct store *s, const char *id, const char *version,
			    const char *image)
{
	struct store_call *c = verb(STORE_RELEASE_CREATE);

	c->in.release = a_release(id, version);
	c->in.release.n_images = 1;
	strcpy(c->in.release.images[0].name, image);
	done(s, c);
}

static void say(struct store *s, const char *device, const char *name,
		const char *version)
{
	char key[ATTRIBUTE_MAX_LEN + 1];

	snprintf(key, sizeof(key), "component.%s.version", name);
	report(s, device, "", "", key, version);
}

static void what_a_device_names_is_reported_until_it_says_otherwise(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;
	struct attribute *a;

	make_device(s, "a");
	must_have(s, "a", "");
	say(s, "a", "modem", "1.4");
	say(s, "a", "boot.loader", "2024.10");
	must_have(s, "a", "boot.loader 2024.10 reported, modem 1.4 reported");
	say(s, "a", "modem", "1.5");
	say(s, "a", "boot.loader", "");
	must_have(s, "a", "modem 1.5 reported");
	c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	c->in.attributes.replace = true;
	strcpy(c->in.attributes.id, "a");
	a = store_call_items(c, 1, sizeof(*a), NULL);
	strcpy(a->key, "component.radio.version");
	strcpy(a->value, "7");
	done(s, c);
	must_have(s, "a", "radio 7 reported");
	c = verb(STORE_DEVICE_SET_ATTRIBUTES);
	strcpy(c->in.attributes.id, "a");
	a = store_call_items(c, 1, sizeof(*a), NULL);
	strcpy(a->key, "component.radio.version");
	a->remove = true;
	done(s, c);
	must_have(s, "a", "");
}

static void what_is_no_name_is_an_attribute_and_no_more(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "a");
	report(s, "a", "", "", "component..version", "1");
	report(s, "a", "", "", "component.version", "1");
	report(s, "a", "", "", "component.a b.version", "1");
	report(s, "a", "", "", "component.modem.serial", "1");
	must_have(s, "a", "");
}

static void images_are_proven_with_their_slot_and_go_with_it(void **state)
{
	struct store *s = store_of(state);

	make_device(s, "a");
	make_release_of(s, "r1", "1.0", "rootfs");
	make_release_of(s, "r2", "2.0", "firmware");
	say(s, "a", "rootfs", "0.9");
	say(s, "a", "modem", "1.4");
	confirm(s, "a", "r1", "1.0", GRADE_PROVEN);
	must_have(s, "a", "modem 1.4 reported, rootfs 1.0 proven");
	say(s, "a", "rootfs", "9.9"); /* a word against a proof */
	must_have(s, "a", "modem 1.4 reported, rootfs 1.0 proven");
	confirm(s, "a", "r2", "2.0", GRADE_PROVEN);
	must_have(s, "a", "firmware 2.0 proven, modem 1.4 reported");
	confirm(s, "a", "r1", "1.0", GRADE_REPORTED);
	must_have(s, "a", "modem 1.4 reported, rootfs 1.0 reported");
}

static void a_filter_asks_for_the_version_of_a_part(void **state)
{
	struct store *s = store_of(state);
	struct store_call *c;

	make_device(s, "a");
	make_device(s, "b");
	make_device(s, "c");
	say(s, "a", "modem", "1.9");
	say(s, "b", "modem", "1.10");
	must_select(s, "component.modem=lt=1.10", "a");
	must_select(s, "component.modem==1.1*", "b");
	must_select(s, "component.modem!=1.9", "b c");
	must_select(s, "component.radio=ge=0", "");
	c = verb(STORE_DEVICE_DELETE);
	strcpy(c->in.device_id, "a");
	done(s, c);
	must_select(s, "component.modem==1.9", "");
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(what_a_device_names_is_reported_until_it_says_otherwise),
	    cmocka_unit_test(what_is_no_name_is_an_attribute_and_no_more),
	    cmocka_unit_test(images_are_proven_with_their_slot_and_go_with_it),
	    cmocka_unit_test(a_filter_asks_for_the_version_of_a_part),
	};

	return store_run_everywhere("component", cases, N_ELEMS(cases));
}
