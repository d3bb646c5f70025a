// SPDX-License-Identifier: Apache-2.0
/* SHA-256 (FIPS 180-4) of what comes in pieces: the browser's own digest wants the whole in memory, and a release
 * may be larger than that. */
/* The first 32 bits of the fractional part of a number's n-th root; primes only are asked, so a double has them. */
const fraction = (root: number) => (root - Math.floor(root)) * 2 ** 32 | 0;
const PRIMES = Array.from({ length: 312 }, (_, i) => i).filter((n) => n > 1 && Array.from({ length: n }, (_, i) => i).every((d) => d < 2 || n % d !== 0));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const K = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const BLOCK = 64;

export class Sha256 {
	readonly #state = Int32Array.from(START);
	readonly #words = new Int32Array(64);
	readonly #block = new Uint8Array(BLOCK);
	#filled = 0;
	#bytes = 0;

	add(data: Uint8Array): this {
		this.#bytes += data.length;
		let at = 0;
		if (this.#filled > 0) {
			at = Math.min(BLOCK - this.#filled, data.length);
			this.#block.set(data.subarray(0, at), this.#filled);
			this.#filled += at;
			if (this.#filled < BLOCK) return this;
			this.#take(this.#block, 0);
		}
		for (; at + BLOCK <= data.length; at += BLOCK) this.#take(data, at);
		this.#filled = data.length - at;
		this.#block.set(data.subarray(at));
		return this;
	}

	/** 64 hex digits. Nothing is added afterwards. */
	end(): string {
		const bits = this.#bytes * 8;
		const padding = new Uint8Array(((this.#filled < 56 ? 56 : 120) - this.#filled) + 8);
		const view = new DataView(padding.buffer);
		padding[0] = 0x80;
		view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
		view.setUint32(padding.length - 4, bits % 2 ** 32);
		this.add(padding);
		return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
	}

	#take(data: Uint8Array, at: number): void {
		const w = this.#words;
		for (let i = 0; i < 16; i++, at += 4) w[i] = (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
		for (let i = 16; i < 64; i++) {
			const x = w[i - 15]!;
			const y = w[i - 2]!;
			const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
			const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
			w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
		}
		let [a, b, c, d, e, f, g, h] = this.#state as unknown as [number, number, number, number, number, number, number, number];
		for (let i = 0; i < 64; i++) {
			const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
			const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
			const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
			const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
			[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
		}
		for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) this.#state[i]! += word;
	}
}
