// Every refusal that the core makes by itself, before any handler: status, the text of its answer,
// and when. scripts/docs.mjs reads the rows as text for docs/http.md.
// Thread: any.
#pragma once

#include <cstdint>

namespace millrace {

// What the rules say about input that is refused. `status` 0 means no failure.
struct Failure {
  uint16_t status = 0;
  const char* reason = "";
};

// X(name, status, reason, when)
#define MILLRACE_FAILURES(X) \
  X(kMalformedHead, 400, "malformed head", \
    "a bare CR or LF, a control character, a folded line, white space before a colon, a name " \
    "or a method that is no token, anything but one space between the parts of the request " \
    "line, what is no HTTP at all") \
  X(kMalformedTarget, 400, "malformed request target", \
    "a fragment, another scheme, userinfo, a host that is none, `*` or `host:port` with a " \
    "method that does not have it") \
  X(kMissingHost, 400, "missing Host", \
    "HTTP/1.1 without it, also with a target in absolute-form") \
  X(kRepeatedHost, 400, "repeated Host", \
    "more than one, equal or not") \
  X(kMalformedHost, 400, "malformed Host", \
    "empty, or anything but a host and an optional port") \
  X(kMalformedFraming, 400, "malformed body framing", \
    "Content-Length with Transfer-Encoding, or more than one, or anything but digits; a " \
    "Transfer-Encoding that is empty or repeated, or has anything behind `chunked`; " \
    "CONNECT with either") \
  X(kCodingInHttp10, 400, "Transfer-Encoding in HTTP/1.0", \
    "its framing cannot be trusted") \
  X(kLargeFraming, 400, "chunk framing too large", \
    "more than 16 KiB of extensions, zeros and the like in the chunks of a body, beyond 16 " \
    "bytes a chunk") \
  X(kHeadTimeout, 408, "request head took too long", \
    "`headTimeoutMs`") \
  X(kBodyTimeout, 408, "request body stalled", \
    "`bodyTimeoutMs`") \
  X(kContentTooLarge, 413, "content too large", \
    "a declared length above `bodyBytesMax` and `bodyStreamBytesMax`") \
  X(kLineTooLong, 414, "request line too long", \
    "a target above `targetBytesMax`, or a line above `headBytesMax`") \
  X(kMisdirected, 421, "not the server of an https URL", \
    "a target `https://…` over a connection without TLS, unless `trustProxy` names its peer") \
  X(kExpectation, 417, "expectation not supported", \
    "any but `100-continue`") \
  X(kHeadTooLarge, 431, "header fields too large", \
    "a head above `headBytesMax`") \
  X(kTooManyFields, 431, "too many header fields", \
    "more than `headersMax`, trailers included") \
  X(kTrailersTooLarge, 431, "trailer fields too large", \
    "head and trailers together above `headBytesMax`") \
  X(kUnknownMethod, 501, "method not implemented", \
    "a token that is no method of `methods`") \
  X(kUnknownCoding, 501, "transfer coding not implemented", \
    "a transfer coding other than `chunked`") \
  X(kUnknownVersion, 505, "HTTP version not supported", \
    "a version other than 1.0 and 1.1, or none") \
  X(kHttp2, 505, "HTTP/2 is not spoken here", \
    "its connection preface")

#define MILLRACE_FAILURE_CONSTANT(name, status, reason, when) \
  inline constexpr Failure name{status, reason};
MILLRACE_FAILURES(MILLRACE_FAILURE_CONSTANT)
#undef MILLRACE_FAILURE_CONSTANT

}  // namespace millrace
