// SPDX-License-Identifier: Apache-2.0
// CVSS 4.0, section 8: the metrics choose a macro vector, whose score stands in a table; from it is
// taken the mean, over the equivalence classes, of how far the vector lies below the highest of its
// macro vector. In whole numbers, so that rounding is exact.
#include "advisory/cvss-int.h"

#include "base/mem.h"
#include <assert.h>
#include <string.h>

enum {
	AV,
	AC,
	AT,
	PR,
	UI,
	VC,
	VI,
	VA,
	SC,
	SI,
	SA,
	E,
	CR,
	IR,
	AR, // what counts
	MAV,
	MAC,
	MAT,
	MPR,
	MUI,
	MVC,
	MVI,
	MVA,
	MSC,
	MSI,
	MSA, // AV to SA, modified
	REST,
};

static const struct cvss_metric metrics[] = {
        {"AV", "NALP", false},
        {"AC", "LH", false},
        {"AT", "NP", false},
        {"PR", "NLH", false},
        {"UI", "NPA", false},
        {"VC", "HLN", false},
        {"VI", "HLN", false},
        {"VA", "HLN", false},
        {"SC", "HLN", false},
        {"SI", "HLN", false},
        {"SA", "HLN", false},
        {"E", "XAPU", true},
        {"CR", "XHML", true},
        {"IR", "XHML", true},
        {"AR", "XHML", true},
        {"MAV", "XNALP", true},
        {"MAC", "XLH", true},
        {"MAT", "XNP", true},
        {"MPR", "XNLH", true},
        {"MUI", "XNPA", true},
        {"MVC", "XHLN", true},
        {"MVI", "XHLN", true},
        {"MVA", "XHLN", true},
        {"MSC", "XHLN", true},
        {"MSI", "XSHLN", true},
        {"MSA", "XSHLN", true},
        {"S", NULL, true},
        {"AU", NULL, true},
        {"R", NULL, true},
        {"V", NULL, true},
        {"RE", NULL, true},
        {"U", NULL, true},
};
static_assert(ARRAY_LEN(metrics) <= CVSS_METRICS_MAX, "the letters of a vector");

// By equivalence classes 1, 2, 3, 4, 5, 6; 0: there is no such vector.
static const unsigned char scores[3][2][3][3][3][2] = {
        {
                {
                        {{{100, 99}, {98, 95}, {95, 92}}, {{100, 96}, {93, 87}, {91, 81}},
                                {{93, 90}, {89, 80}, {81, 68}}},
                        {{{98, 95}, {95, 92}, {90, 84}}, {{93, 92}, {89, 81}, {81, 65}},
                                {{88, 80}, {78, 70}, {69, 48}}},
                        {{{0, 92}, {0, 82}, {0, 72}}, {{0, 79}, {0, 69}, {0, 50}},
                                {{0, 69}, {0, 55}, {0, 27}}},
                },
                {
                        {{{99, 97}, {95, 92}, {92, 85}}, {{95, 91}, {90, 83}, {84, 71}},
                                {{92, 81}, {82, 71}, {72, 53}}},
                        {{{95, 93}, {92, 85}, {85, 73}}, {{92, 82}, {80, 72}, {70, 59}},
                                {{84, 70}, {71, 52}, {50, 30}}},
                        {{{0, 86}, {0, 75}, {0, 52}}, {{0, 71}, {0, 52}, {0, 29}},
                                {{0, 63}, {0, 29}, {0, 17}}},
                },
        },
        {
                {
                        {{{98, 95}, {94, 87}, {91, 81}}, {{94, 89}, {86, 74}, {77, 64}},
                                {{87, 75}, {74, 63}, {63, 49}}},
                        {{{94, 89}, {88, 77}, {76, 67}}, {{86, 76}, {74, 58}, {59, 50}},
                                {{72, 57}, {57, 52}, {52, 25}}},
                        {{{0, 83}, {0, 70}, {0, 54}}, {{0, 65}, {0, 58}, {0, 26}},
                                {{0, 53}, {0, 21}, {0, 13}}},
                },
                {
                        {{{95, 90}, {88, 76}, {76, 70}}, {{90, 77}, {75, 62}, {61, 53}},
                                {{77, 66}, {68, 59}, {52, 30}}},
                        {{{89, 78}, {76, 67}, {62, 58}}, {{74, 59}, {57, 57}, {47, 23}},
                                {{61, 52}, {57, 29}, {24, 16}}},
                        {{{0, 71}, {0, 59}, {0, 30}}, {{0, 58}, {0, 26}, {0, 15}},
                                {{0, 23}, {0, 13}, {0, 6}}},
                },
        },
        {
                {
                        {{{93, 87}, {86, 72}, {75, 58}}, {{86, 74}, {74, 61}, {56, 34}},
                                {{70, 54}, {52, 40}, {40, 22}}},
                        {{{85, 75}, {74, 55}, {62, 51}}, {{72, 57}, {55, 41}, {46, 19}},
                                {{53, 36}, {34, 19}, {19, 8}}},
                        {{{0, 64}, {0, 51}, {0, 20}}, {{0, 47}, {0, 21}, {0, 11}},
                                {{0, 24}, {0, 9}, {0, 4}}},
                },
                {
                        {{{88, 75}, {73, 53}, {60, 50}}, {{73, 55}, {59, 40}, {41, 20}},
                                {{54, 43}, {45, 22}, {20, 11}}},
                        {{{75, 55}, {58, 45}, {40, 21}}, {{61, 51}, {48, 18}, {20, 9}},
                                {{46, 18}, {17, 7}, {8, 2}}},
                        {{{0, 53}, {0, 24}, {0, 14}}, {{0, 24}, {0, 12}, {0, 5}},
                                {{0, 10}, {0, 3}, {0, 1}}},
                },
        },
};

// The letters of a metric from severe to harmless; its level is the place of its letter.
static const char *const levels[] = {[AV] = "NALP",
        [AC] = "LH",
        [AT] = "NP",
        [PR] = "NLH",
        [UI] = "NPA",
        [VC] = "HLN",
        [VI] = "HLN",
        [VA] = "HLN",
        [SC] = "SHLN",
        [SI] = "SHLN",
        [SA] = "SHLN",
        [E] = "APU",
        [CR] = "HML",
        [IR] = "HML",
        [AR] = "HML"};

// The highest vectors of each class and value, letters in the order of its metrics.
struct highest {
	int n_metrics;
	int metrics[6];
	int depth[3]; // what lies between the highest and the lowest, by value
	const char *vectors[3][5];
};
static const struct highest class1 = {
        3, {AV, PR, UI}, {1, 4, 5}, {{"NNN"}, {"ANN", "NLN", "NNP"}, {"PNN", "ALP"}}};
static const struct highest class2 = {2, {AC, AT}, {1, 2}, {{"LN"}, {"HN", "LP"}}};
static const struct highest class36[2] = {
        {6, {VC, VI, VA, CR, IR, AR}, {7, 8, 0}, {{"HHHHHH"}, {"LHHHHH", "HLHHHH"}}},
        {6, {VC, VI, VA, CR, IR, AR}, {6, 8, 10},
                {{"HHLMMH", "HHHMMM"}, {"LHLHMH", "LHHHMM", "HLHMHM", "HLLMHH", "LLHHHM"},
                        {"LLLHHH"}}},
};
static const struct highest class4 = {3, {SC, SI, SA}, {6, 5, 4}, {{"HSS"}, {"HHH"}, {"LLL"}}};

// What is not said counts as the worst, and what was modified as modified.
static void settle(char *v)
{
	for (int i = AV; i <= SA; i++)
		if (v[MAV + i] != 'X')
			v[i] = v[MAV + i];
	if (v[E] == 'X')
		v[E] = 'A';
	for (int i = CR; i <= AR; i++)
		if (v[i] == 'X')
			v[i] = 'H';
}

static int level(int metric, char letter)
{
	return (int)(strchr(levels[metric], letter) - levels[metric]);
}

// Below the first of the highest vectors that no metric of v is above.
static int distance(const struct highest *h, int value, const char *v)
{
	for (int i = 0; i < 5 && h->vectors[value][i]; i++) {
		int sum = 0, above = 0;
		for (int m = 0; m < h->n_metrics; m++) {
			int d = level(h->metrics[m], v[h->metrics[m]]) -
			        level(h->metrics[m], h->vectors[value][i][m]);
			sum += d;
			above |= d < 0;
		}
		if (!above)
			return sum;
	}
	return 0;
}

static void classify(const char *v, int c[static 6])
{
	int network = v[AV] == 'N', none = v[PR] == 'N', alone = v[UI] == 'N';
	c[0] = network && none && alone ? 0 : v[AV] != 'P' && (network || none || alone) ? 1 : 2;
	c[1] = v[AC] == 'L' && v[AT] == 'N' ? 0 : 1;
	c[2] = v[VC] == 'H' && v[VI] == 'H'                   ? 0
	       : v[VC] == 'H' || v[VI] == 'H' || v[VA] == 'H' ? 1
	                                                      : 2;
	c[3] = v[SI] == 'S' || v[SA] == 'S'                   ? 0
	       : v[SC] == 'H' || v[SI] == 'H' || v[SA] == 'H' ? 1
	                                                      : 2;
	c[4] = level(E, v[E]);
	c[5] = (v[CR] == 'H' && v[VC] == 'H') || (v[IR] == 'H' && v[VI] == 'H') ||
	                       (v[AR] == 'H' && v[VA] == 'H')
	               ? 0
	               : 1;
}

static int score_of(const int c[static 6], int class, int by)
{
	int d[6];
	memcpy(d, c, sizeof(d));
	d[class] += by;
	static const int size[] = {3, 2, 3, 3, 3, 2};
	return d[class] < size[class] ? scores[d[0]][d[1]][d[2]][d[3]][d[4]][d[5]] : 0;
}

// The next lower of classes 3 and 6, which go together; of two ways down the shorter one.
static int score_below36(const int c[static 6])
{
	int third = score_of(c, 2, 1), sixth = score_of(c, 5, 1);
	if (c[2] == 0 && c[5] == 0)
		return third > sixth ? third : sixth;
	return c[2] == 1 && c[5] == 0 ? sixth : third;
}

// 840 can be divided by every depth.
#define PARTS 840

// How much of the way to the score below is gone, in parts.
static int gone(int score, int below, int distance_, int depth)
{
	return (score - below) * distance_ * (PARTS / depth);
}

int cvss4_score(const char *text, int *ret, struct err *e)
{
	char v[CVSS_METRICS_MAX];
	int c[6], n = 0, sum = 0;
	if (cvss_read(metrics, ARRAY_LEN(metrics), text, v, e))
		return -1;
	settle(v);
	*ret = 0;
	if (!strncmp(v + VC, "NNNNNN", 6))
		return 0;
	classify(v, c);
	int score = score_of(c, 0, 0);
	const struct highest *h36 = &class36[c[5]];
	const struct {
		const struct highest *highest;
		int value, below;
	} ways[] = {{&class1, c[0], score_of(c, 0, 1)}, {&class2, c[1], score_of(c, 1, 1)},
	        {h36, c[2], score_below36(c)}, {&class4, c[3], score_of(c, 3, 1)},
	        {NULL, 0, score_of(c, 4, 1)}};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const struct highest *h = ways[i].highest;
		if (!ways[i].below)
			continue;
		n++;
		if (h)
			sum += gone(score, ways[i].below, distance(h, ways[i].value, v),
			        h->depth[ways[i].value]);
	}
	int parts = n ? PARTS * n : PARTS;
	int left = score * parts - sum;
	*ret = left <= 0 ? 0 : (2 * left + parts) / (2 * parts);
	return 0;
}
