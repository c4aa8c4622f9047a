// SPDX-License-Identifier: Apache-2.0
// CVSS 3.0 and 3.1: the base equations of their section 7.1. They differ in how they round up.
#include "advisory/cvss-int.h"

#include "base/mem.h"

static const struct cvss_metric metrics[] = {
        {"AV", "NALP", false},
        {"AC", "LH", false},
        {"PR", "NLH", false},
        {"UI", "NR", false},
        {"S", "UC", false},
        {"C", "NLH", false},
        {"I", "NLH", false},
        {"A", "NLH", false},
        {"E", NULL, true},
        {"RL", NULL, true},
        {"RC", NULL, true},
        {"CR", NULL, true},
        {"IR", NULL, true},
        {"AR", NULL, true},
        {"MAV", NULL, true},
        {"MAC", NULL, true},
        {"MPR", NULL, true},
        {"MUI", NULL, true},
        {"MS", NULL, true},
        {"MC", NULL, true},
        {"MI", NULL, true},
        {"MA", NULL, true},
};

static double impact(char letter)
{
	return letter == 'N' ? 0 : letter == 'L' ? 0.22 : 0.56;
}

static double power15(double x)
{
	double x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
	return x8 * x4 * x2 * x;
}

// In tenths. 3.1, appendix A: by way of an integer, so that it is the same on every machine.
static int round_up(double score, int version)
{
	if (version == 30) {
		int tenths = (int)(score * 10);
		return tenths < score * 10 ? tenths + 1 : tenths;
	}
	int n = (int)(score * 100000 + 0.5);
	return n % 10000 ? n / 10000 + 1 : n / 10000;
}

int cvss3_score(const char *text, int version, int *ret, struct err *e)
{
	char v[ARRAY_LEN(metrics)];
	if (cvss_read(metrics, ARRAY_LEN(metrics), text, v, e))
		return -1;
	bool changed = v[4] == 'C';
	double base = 1 - (1 - impact(v[5])) * (1 - impact(v[6])) * (1 - impact(v[7]));
	double all = changed ? 7.52 * (base - 0.029) - 3.25 * power15(base - 0.02) : 6.42 * base;
	double vector = v[0] == 'N' ? 0.85 : v[0] == 'A' ? 0.62 : v[0] == 'L' ? 0.55 : 0.2;
	double complexity = v[1] == 'L' ? 0.77 : 0.44;
	double privileges = v[2] == 'N'   ? 0.85
	                    : v[2] == 'L' ? (changed ? 0.68 : 0.62)
	                                  : (changed ? 0.5 : 0.27);
	double exploitability =
	        8.22 * vector * complexity * privileges * (v[3] == 'N' ? 0.85 : 0.62);
	double score = (all + exploitability) * (changed ? 1.08 : 1);
	*ret = all <= 0 ? 0 : round_up(score > 10 ? 10 : score, version);
	return 0;
}
