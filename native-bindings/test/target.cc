// The forms of targets, each input with its last byte before a guard page.
#include "core/target.h"

#include <string>

#include "check.h"
#include "core/llhttp-abi.h"

using millrace::kMethodConnect;
using millrace::kMethodGet;
using millrace::kMethodOptions;
using millrace::target_form;
using millrace::TargetForm;
using millrace::test::Guarded;

namespace {

TargetForm form(const std::string& text, int method = kMethodGet) {
  Guarded bytes{std::string_view(text)};
  return target_form(method, bytes.data(), static_cast<uint32_t>(text.size()));
}

void origins() {
  for (const char* target : {"/", "//", "/a?b", "/?", "/a%zz", "/*", "/a:b@c", "/\\",
                             "/{|}^`\"<>"}) {
    CHECK(form(target) == TargetForm::kOrigin);
    CHECK(form(target, kMethodOptions) == TargetForm::kOrigin);
    CHECK(form(target, kMethodConnect) == TargetForm::kMalformed);
  }
  for (const char* target : {"", "a", "a/b", "?", "#", "/#", "/a#b", "/a b", "/\t", "/\x01",
                             "/\x7f", "/\xc3\xa9", "\x80"}) {
    CHECK(form(target) == TargetForm::kMalformed);
  }
  CHECK(form(std::string("/a\0b", 4)) == TargetForm::kMalformed);
}

void absolutes() {
  for (const char* target : {"http://a", "http://a/", "HTTP://A:80/b?c", "https://[::1]:1/",
                             "http://a?b"}) {
    CHECK(form(target) == TargetForm::kAbsolute);
    CHECK(form(target, kMethodOptions) == TargetForm::kAbsolute);
    CHECK(form(target, kMethodConnect) == TargetForm::kMalformed);
  }
  for (const char* target : {"http:", "http:/", "http://", "http:///", "http://?", "http://u@a/",
                             "http://a:x/", "http://a:70000/", "ftp://a/", "ws://a/", "httpx://a/",
                             "http://a#b", "http://a/#b", "urn:a", "http://[a/"}) {
    CHECK(form(target) == TargetForm::kMalformed);
  }
}

void others() {
  CHECK(form("*", kMethodOptions) == TargetForm::kAsterisk);
  CHECK(form("*") == TargetForm::kMalformed);
  CHECK(form("**", kMethodOptions) == TargetForm::kMalformed);
  CHECK(form("*", kMethodConnect) == TargetForm::kMalformed);
  CHECK(form("a.test:443", kMethodConnect) == TargetForm::kAuthority);
  CHECK(form("a.test", kMethodConnect) == TargetForm::kMalformed);
  CHECK(form("a.test:443") == TargetForm::kMalformed);
  CHECK(form("a.test:443", kMethodOptions) == TargetForm::kMalformed);
}

}  // namespace

int main() {
  origins();
  absolutes();
  others();
  return 0;
}
