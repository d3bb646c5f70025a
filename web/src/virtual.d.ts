// SPDX-License-Identifier: Apache-2.0
/* docs/GLOSSARY.md at build time: what each term means, by its lower-case name (dev/glossary.mjs). */
declare module "virtual:glossary" {
	const glossary: Record<string, string>;
	export default glossary;
}

/* Plain modules of development, for the compiler alone. */
declare module "*/glossary.mjs" {
	export function glossary(): import("vite").Plugin;
	export function termsOf(text: string): Record<string, string>;
}
