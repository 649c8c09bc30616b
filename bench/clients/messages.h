/*
 * What the client of the messages sends, for itself and for the server that knows nothing else.
 * RFC 6455: 5.2 for the frames, 1.3 for the key, which is always the same, and its answer.
 */
#pragma once

enum {
  MESSAGE = 64,
  FRAME_HEAD = 2, /* of a server: it does not mask */
  MASK_HEAD = 6,  /* of a client: the same and the mask */
};

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT_VALUE "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
