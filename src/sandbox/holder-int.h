// SPDX-License-Identifier: Apache-2.0
// What the two ends of the holder say to each other. Both are the same program, so plain structs go
// over the wire. One datagram on the control socket announces a request and carries its channel, a
// stream socket of its own; payload, descriptors and reply travel on the channel, so the holder
// itself never waits for anybody's bytes.
//
//   control (seqpacket):  holder_request + [channel]
//   channel, to child:    channel_head, one byte per batch of descriptors + [them], payload
//   channel, to client:   body, channel_trailer, end of file
//
// The client reads to the end of file, which comes when the child is gone and the holder has reaped
// it; the holder then has closed its own copy. Shutting down the client's side cancels the request.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define HOLDER_CONTROL_FD 3
#define HOLDER_SEALED_ENV "HEW_HOLDER_SEALED"

struct holder_request {
	char job[64]; // NUL-terminated
};

struct channel_head {
	uint64_t payload;
	uint64_t n_fds;
};

enum channel_verdict {
	CHANNEL_OK = 0x4f4b4159,   // body is the reply
	CHANNEL_ERR = 0x45525221,  // body is a struct err
	CHANNEL_DIED = 0x44494544, // the child ended by itself; written by the holder
};

struct channel_trailer {
	uint32_t verdict;
	int32_t wait_status; // CHANNEL_DIED
	uint64_t body;       // length of the body before it
};

int channel_send_request(
        int fd, const void *payload, size_t n, const int *fds, size_t n_fds, struct err *e);
// fds: HOLDER_FDS_MAX slots; they are the caller's.
int channel_recv_request(int fd, struct buf *payload, int *fds, size_t *ret_n_fds, struct err *e);
// failed NULL: success with the body given.
int channel_send_reply(int fd, const void *body, size_t n, const struct err *failed);
// Everything read from the channel until its end, taken apart. what: the job, for messages.
int channel_take_reply(struct buf *all, const char *what, struct buf *reply, struct err *e);

// One datagram or stream piece with descriptors attached.
int channel_send_fds(int fd, const void *p, size_t n, const int *fds, size_t n_fds);
// Returns the length, 0 at the end, -1 with errno; *n_fds: room in, count out.
long channel_recv_fds(int fd, void *p, size_t n, int *fds, size_t *n_fds);
