#include "forwarded.h"

#include <vector>

#include "ascii.h"

namespace millrace {

namespace {

// One element of the list. Without an address: it does not say, or not in a way to be understood.
struct Element {
  PeerAddress address;
  std::string_view proto;
  std::string_view host;
};

std::string_view trimmed(std::string_view text) {
  size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") + 1 - from);
}

bool read_port(std::string_view text, PeerAddress& into) {
  uint32_t port = 0;
  if (text.empty() || text.size() > 5) return false;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  into.port = static_cast<uint16_t>(port);
  return port <= 65535;
}

// 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80.
bool read_node(std::string_view text, PeerAddress& into) {
  if (parse_address(text, into)) return true;
  PeerAddress read;
  size_t end = text.starts_with('[') ? text.find(']') : text.find(':');
  if (end == std::string_view::npos) return false;
  bool is_v6 = text[0] == '[';
  if (!parse_address(is_v6 ? text.substr(1, end - 1) : text.substr(0, end), read)) return false;
  if ((read.family == PeerAddress::kIPv6) != is_v6) return false;
  std::string_view rest = text.substr(is_v6 ? end + 1 : end);
  if (!rest.empty() && (rest[0] != ':' || !read_port(rest.substr(1), read))) return false;
  into = read;
  return true;
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view part = trimmed(list.substr(0, comma));
    if (!part.empty()) parts.push_back(part);  // RFC 9110 5.6.1: empty elements do not count
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return parts;
}

std::vector<Element> read_addresses(std::string_view list) {
  std::vector<Element> elements;
  for (std::string_view part : split(list)) {
    Element element;
    read_node(part, element.address);
    elements.push_back(element);
  }
  return elements;
}

// A quoted string or a token at the front of `rest`, which it is taken off. Escaped characters are
// in no address, scheme or host: a value with one is left empty. False: it is neither.
bool take_value(std::string_view& rest, std::string_view& value) {
  if (!rest.starts_with('"')) {
    size_t end = rest.find_first_of(",; \t\"");
    value = rest.substr(0, end);
    rest.remove_prefix(value.size());
    return !value.empty();
  }
  bool is_escaped = false;
  for (size_t i = 1; i < rest.size(); i++) {
    if (rest[i] == '"') {
      value = is_escaped ? std::string_view() : rest.substr(1, i - 1);
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] != '\\') continue;
    is_escaped = true;
    i++;
  }
  return false;
}

void skip_blanks(std::string_view& rest) {
  while (rest.starts_with(' ') || rest.starts_with('\t')) rest.remove_prefix(1);
}

// One element up to its comma or the end. False: it is malformed.
bool take_element(std::string_view& rest, Element& element) {
  for (;;) {
    skip_blanks(rest);
    size_t equals = rest.find_first_of("=,;");
    if (equals == std::string_view::npos || rest[equals] != '=') return false;
    std::string_view name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    std::string_view value;
    if (!take_value(rest, value)) return false;
    uint32_t length = static_cast<uint32_t>(name.size());
    if (is(name.data(), length, "for")) read_node(value, element.address);
    if (is(name.data(), length, "proto")) element.proto = value;
    if (is(name.data(), length, "host")) element.host = value;
    skip_blanks(rest);
    if (rest.empty() || rest[0] == ',') return true;
    if (rest[0] != ';') return false;
    rest.remove_prefix(1);
  }
}

// A malformed element says nothing, and the next one begins behind its first comma, be that within
// quotes: a client that opens a quote cannot swallow what the proxies behind it add.
std::vector<Element> read_forwarded(std::string_view list) {
  std::vector<Element> elements;
  while (!trimmed(list).empty()) {
    std::string_view rest = list;
    Element element;
    bool is_whole = take_element(rest, element);
    size_t comma = is_whole ? list.size() - rest.size() : list.find(',');
    elements.push_back(is_whole ? element : Element{});
    if (comma >= list.size()) break;
    list.remove_prefix(comma + 1);
  }
  return elements;
}

// The value that belongs to the element `from_end` of `count`; of a list of another length, the
// last one, which the nearest proxy has set.
std::string_view pick(std::string_view list, size_t count, size_t from_end) {
  std::vector<std::string_view> values = split(list);
  if (values.empty()) return {};
  return values[values.size() == count ? count - 1 - from_end : values.size() - 1];
}

bool is_trusted(const ForwardedTrust& trust, const PeerAddress& address, size_t hop) {
  return trust.hops > 0 ? hop < trust.hops : trust.ranges.has(address);
}

}  // namespace

bool is_believed(const ForwardedTrust& trust, const PeerAddress& peer) {
  return is_trusted(trust, peer, 0);
}

ForwardedClient find_client(const ForwardedTrust& trust, const PeerAddress& peer,
                            const ForwardedFields& fields) {
  ForwardedClient client;
  client.address = peer;
  if (!is_believed(trust, peer)) return client;
  bool is_standard = trust.kind == ForwardedKind::kForwarded;
  std::vector<Element> elements =
      is_standard ? read_forwarded(fields.list) : read_addresses(fields.list);
  size_t used = 0;
  while (used < elements.size() && is_trusted(trust, client.address, used)) {
    const Element& element = elements[elements.size() - 1 - used];
    if (element.address.family == PeerAddress::kUnknown) break;
    client.address = element.address;
    used++;
  }
  client.address.unmap();
  size_t place = used == 0 ? 0 : used - 1;
  if (is_standard) {
    if (place >= elements.size()) return client;
    const Element& element = elements[elements.size() - 1 - place];
    client.proto = element.proto;
    client.host = element.host;
  } else {
    client.proto = pick(fields.proto, elements.size(), place);
    client.host = pick(fields.host, elements.size(), place);
  }
  return client;
}

}  // namespace millrace
