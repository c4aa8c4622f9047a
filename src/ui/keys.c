// SPDX-License-Identifier: Apache-2.0
#include "ui/keys.h"

#include "base/mem.h"
#include "base/unicode.h"

#define ESC 0x1b
#define SEQUENCE_MAX 32 // longer ones are none

// CSI and SS3 sequences by their last byte.
static enum key_kind final_key(unsigned char c)
{
	static const struct {
		char c;
		enum key_kind kind;
	} keys[] = {
	        {'A', KEY_UP},
	        {'B', KEY_DOWN},
	        {'C', KEY_RIGHT},
	        {'D', KEY_LEFT},
	        {'H', KEY_HOME},
	        {'F', KEY_END},
	        {'M', KEY_ENTER}, // of the keypad
	        {'Z', KEY_BACK_TAB},
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if ((char)c == keys[i].c)
			return keys[i].kind;
	return KEY_NONE;
}

// CSI NUMBER ~
static enum key_kind number_key(unsigned number)
{
	static const enum key_kind keys[] = {KEY_NONE, KEY_HOME, KEY_NONE, KEY_DELETE, KEY_END,
	        KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END};
	return number < ARRAY_LEN(keys) ? keys[number] : KEY_NONE;
}

// After ESC [: parameters, then one byte that ends it. What is pressed with a key does not count.
static size_t read_csi(const unsigned char *p, size_t n, bool ended, struct key *ret)
{
	unsigned number = 0;
	bool first = true;
	for (size_t i = 2; i < n && i < SEQUENCE_MAX; i++) {
		if (p[i] >= 0x40 && p[i] < 0x7f) {
			bool mouse = p[i] == 'M' && i == 2;
			ret->kind = p[i] == '~' ? number_key(number)
			            : mouse     ? KEY_NONE
			                        : final_key(p[i]);
			return i + 1;
		}
		if (p[i] < 0x20 || p[i] >= 0x7f)
			return i; // it is none: what breaks it off counts by itself
		first = first && p[i] >= '0' && p[i] <= '9';
		if (first && number < 1000)
			number = number * 10 + (p[i] - '0');
	}
	return n >= SEQUENCE_MAX ? SEQUENCE_MAX : ended ? n : 0;
}

static size_t read_escape(const unsigned char *p, size_t n, bool ended, struct key *ret)
{
	if (n == 1 && !ended)
		return 0;
	if (n > 1 && p[1] == '[') {
		if (n == 2 && ended)
			return 2;
		return read_csi(p, n, ended, ret);
	}
	if (n > 1 && p[1] == 'O') {
		if (n == 2)
			return ended ? 2 : 0;
		ret->kind = final_key(p[2]);
		return p[2] >= 0x20 && p[2] < 0x7f ? 3 : 2;
	}
	ret->kind = KEY_ESCAPE;
	return 1;
}

static void read_control(unsigned char c, struct key *ret)
{
	ret->kind = KEY_CTRL;
	if (c == '\r' || c == '\n')
		ret->kind = KEY_ENTER;
	else if (c == '\t')
		ret->kind = KEY_TAB;
	else if (c == 0x7f || c == '\b')
		ret->kind = KEY_BACKSPACE;
	else if (c == 0)
		ret->c = ' ';
	else
		ret->c = c <= 26 ? 'a' + c - 1u : '@' + (uint32_t)c;
}

// Bytes that the character takes which begins so.
static size_t utf8_wants(unsigned char c)
{
	return c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
}

size_t key_read(const char *text, size_t n, bool ended, struct key *ret)
{
	const unsigned char *p = (const unsigned char *)text;
	*ret = (struct key){KEY_NONE, 0};
	if (n == 0)
		return 0;
	if (p[0] == ESC)
		return read_escape(p, n, ended, ret);
	if (p[0] < 0x20 || p[0] == 0x7f) {
		read_control(p[0], ret);
		return 1;
	}
	size_t len;
	uint32_t c = utf8_next(text, n, &len);
	if (c >= RUNE_INVALID && n < utf8_wants(p[0]) && !ended)
		return 0;
	if (rune_width(c) >= 0)
		*ret = (struct key){KEY_CHAR, c};
	return len;
}
