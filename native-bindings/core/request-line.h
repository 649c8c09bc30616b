// The request line where llhttp has refused it, or accepts more than RFC 9112 3 does: which fault
// it was. Each answer depends on the bytes alone, never on how many of them came together.
// Thread: any.
#pragma once

#include <cstdint>

namespace millrace {

// A token longer than this is no method of ours, whatever it ends with.
inline constexpr uint32_t kMethodBytesMax = 32;

enum class MethodVerdict : uint8_t { kMore, kUnknown, kHttp2, kMalformed };

// A first word that is no method we serve: a token before a space is unknown (501), anything else
// malformed (400). `kMore`: it cannot be told before more bytes come.
MethodVerdict judge_method(const char* word, const char* end);

enum class VersionVerdict : uint8_t { kAbsent, kOther, kServed, kMalformed };

// What stands behind the target; llhttp has read up to `end`.
VersionVerdict judge_version(const char* target_end, const char* end);

struct TargetSpan {
  const char* begin;
  const char* end;
};

// Where the target lies in an unfinished or refused line; both are `end` if it has not begun.
TargetSpan find_target(const char* message, const char* end);

}  // namespace millrace
