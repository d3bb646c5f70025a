/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <math.h>

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* log of the mean of exp(terms[i]), without overflow. */
static double log_mean_exp(const double *terms, size_t n)
{
	double most = terms[0], sum = 0;

	for (size_t i = 1; i < n; i++)
		most = larger(most, terms[i]);
	for (size_t i = 0; i < n; i++)
		sum += exp(terms[i] - most);
	return most + log(sum / (double)n);
}

double gate_wave_log_e(const struct gate_plan *g, const struct gate_evidence *v)
{
	double p0 = (g->baseline_bp + g->tolerated_bp) / (double)PLAN_ALL_BP;
	double k = (double)v->failed, rest = (double)(v->offered - v->failed);
	double terms[GATE_GRID];

	for (size_t j = 0; j < GATE_GRID; j++) {
		double p = pow(p0, 1.0 - (double)(j + 1) / (GATE_GRID + 1));

		terms[j] = k * log(p / p0) + rest * log((1 - p) / (1 - p0));
	}
	return log_mean_exp(terms, GATE_GRID);
}

double gate_e(const struct gate_verdict *v)
{
	return exp(fmin(v->log_e, 690));
}

void gate_judge(const struct gate_plan *g, const struct gate_evidence *waves,
		size_t n_waves, struct gate_verdict *ret)
{
	double log_e[PLAN_MAX_WAVES] = {0};

	*ret = (struct gate_verdict){0};
	if (!g->on)
		return;
	for (size_t i = 0; i < n_waves; i++) {
		log_e[i] = gate_wave_log_e(g, &waves[i]);
		if (log_e[i] > log_e[ret->worst])
			ret->worst = (unsigned)i;
	}
	ret->log_e = log_mean_exp(log_e, n_waves);
	ret->stop = ret->log_e >= log(PLAN_ALL_BP / (double)g->alpha_bp);
}
