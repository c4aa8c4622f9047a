// SPDX-License-Identifier: Apache-2.0
// CVSS 2.0: the base equation of its guide, section 3.2.1.
#include "advisory/cvss-int.h"

#include "base/mem.h"

static const struct cvss_metric metrics[] = {
        {"AV", "LAN", false},
        {"AC", "HML", false},
        {"Au", "MSN", false},
        {"C", "NPC", false},
        {"I", "NPC", false},
        {"A", "NPC", false},
        {"E", NULL, true},
        {"RL", NULL, true},
        {"RC", NULL, true},
        {"CDP", NULL, true},
        {"TD", NULL, true},
        {"CR", NULL, true},
        {"IR", NULL, true},
        {"AR", NULL, true},
};

static double impact(char letter)
{
	return letter == 'N' ? 0 : letter == 'P' ? 0.275 : 0.660;
}

int cvss2_score(const char *text, int *ret, struct err *e)
{
	char v[ARRAY_LEN(metrics)];
	if (cvss_read(metrics, ARRAY_LEN(metrics), text, v, e))
		return -1;
	double all = 10.41 * (1 - (1 - impact(v[3])) * (1 - impact(v[4])) * (1 - impact(v[5])));
	double vector = v[0] == 'L' ? 0.395 : v[0] == 'A' ? 0.646 : 1.0;
	double complexity = v[1] == 'H' ? 0.35 : v[1] == 'M' ? 0.61 : 0.71;
	double authentication = v[2] == 'M' ? 0.45 : v[2] == 'S' ? 0.56 : 0.704;
	double exploitability = 20 * vector * complexity * authentication;
	double score = (0.6 * all + 0.4 * exploitability - 1.5) * (all > 0 ? 1.176 : 0);
	*ret = (int)(score * 10 + 0.5);
	return 0;
}
