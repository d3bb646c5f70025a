// SPDX-License-Identifier: Apache-2.0
/* The one place that knows uPlot: a stacked area over time. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Drawing {
	width: number;
	height: number;
	times: number[]; /* seconds */
	sums: number[][]; /* each band with those below it, from the bottom to the top */
	fills: string[];
	ink: string;
	grid: string;
	paper: string;
	font: string;
}

export function draw(element: HTMLElement, d: Drawing): uPlot {
	const axis = { stroke: d.ink, font: d.font, grid: { stroke: d.grid, width: 1 }, ticks: { stroke: d.grid, width: 1, size: 4 } };
	/* Painted from the top down: each band covers what is above it, down to the axis. */
	const order = d.sums.map((_, band) => band).reverse();
	return new uPlot(
		{
			width: d.width,
			height: d.height,
			legend: { show: false },
			cursor: { show: false },
			padding: [8, 8, 0, 0],
			scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } },
			axes: [
				{ ...axis, space: 90 },
				{ ...axis, size: 52, values: (_, ticks) => ticks.map((n) => (Number.isInteger(n) ? n.toLocaleString("en-GB") : "")) },
			],
			series: [{}, ...order.map((band) => ({ fill: d.fills[band]!, stroke: d.paper, width: 1, points: { show: false } }))],
		},
		[d.times, ...order.map((band) => d.sums[band]!)] as uPlot.AlignedData,
		element,
	);
}
