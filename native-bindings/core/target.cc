#include "target.h"

#include "ascii.h"
#include "host.h"
#include "llhttp-abi.h"

namespace millrace {

namespace {

bool has_only_target_chars(const char* target, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    unsigned char c = static_cast<unsigned char>(target[i]);
    if (c <= 0x20 || c >= 0x7f || c == '#') return false;
  }
  return length > 0;
}

bool is_absolute(const char* target, uint32_t length) {
  uint32_t scheme = 0;
  if (begins(target, length, "http://")) scheme = 7;
  if (is_https(target, length)) scheme = 8;
  if (scheme == 0) return false;
  uint32_t end = scheme;
  while (end < length && target[end] != '/' && target[end] != '?') end++;
  return is_valid_host(target + scheme, end - scheme);
}

}  // namespace

bool is_https(const char* target, uint32_t length) { return begins(target, length, "https://"); }

TargetForm target_form(int method, const char* target, uint32_t length) {
  if (!has_only_target_chars(target, length)) return TargetForm::kMalformed;
  if (method == kMethodConnect) {
    return is_valid_destination(target, length) ? TargetForm::kAuthority : TargetForm::kMalformed;
  }
  if (target[0] == '/') return TargetForm::kOrigin;
  if (target[0] == '*' && length == 1 && method == kMethodOptions) return TargetForm::kAsterisk;
  return is_absolute(target, length) ? TargetForm::kAbsolute : TargetForm::kMalformed;
}

}  // namespace millrace
