// Comparing bytes of the protocol, whose letters are ASCII whatever the locale. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 9110 5.6.2, tchar.
struct TokenChars {
  bool allowed[256] = {};
  constexpr TokenChars() {
    for (char c : "!#$%&'*+-.^_`|~") allowed[static_cast<unsigned char>(c)] = c != 0;
    for (int c = '0'; c <= '9'; c++) allowed[c] = true;
    for (int c = 'a'; c <= 'z'; c++) allowed[c] = allowed[c - 32] = true;
  }
};

inline constexpr TokenChars kTokenChars;

inline bool is_token_char(char c) { return kTokenChars.allowed[static_cast<unsigned char>(c)]; }

// `lower` is in lower case already.
inline bool equals_lower(const char* text, const char* lower, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c != lower[i]) return false;
  }
  return true;
}

template <size_t N>
bool is(const char* text, uint32_t length, const char (&lower)[N]) {
  return length == N - 1 && equals_lower(text, lower, N - 1);
}

template <size_t N>
bool begins(const char* text, uint32_t length, const char (&lower)[N]) {
  return length >= N - 1 && equals_lower(text, lower, N - 1);
}

// Whether a list of tokens (RFC 9110 5.6.1) has the item.
template <size_t N>
bool has_list_item(const char* list, uint32_t length, const char (&lower)[N]) {
  uint32_t at = 0;
  while (at < length) {
    while (at < length && (list[at] == ' ' || list[at] == '\t' || list[at] == ',')) at++;
    uint32_t from = at;
    while (at < length && list[at] != ',') at++;
    uint32_t end = at;
    while (end > from && (list[end - 1] == ' ' || list[end - 1] == '\t')) end--;
    if (is(list + from, end - from, lower)) return true;
  }
  return false;
}

}  // namespace millrace
