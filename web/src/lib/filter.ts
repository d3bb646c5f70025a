// SPDX-License-Identifier: Apache-2.0
/* Filters of devices (docs/API.md, "Filters") as text: how a value is written so that it means itself. Pure. */

/** A value as a filter takes it: as it is, or in quotes where a sign in it has a meaning. Inside quotes "*" is
 *  written "\*" so that it stands for itself. */
export function text(value: string): string {
	if (/^[^"'();,=!<>\s*\\]+$/.test(value) && !/^(and|or)$/.test(value)) return value;
	return `'${value.replace(/[\\'*]/g, "\\$&")}'`;
}
