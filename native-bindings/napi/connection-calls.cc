// The functions that a worker's JavaScript calls about one connection of its engine: who is at its
// ends, and who the client is behind proxies. Rare. Thread: the engine's.
#include "connection-calls.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "engine-bridge.h"
#include "option-values.h"
#include "values.h"

namespace millrace {

namespace {

// Where a Unix socket was bound; empty: nowhere, or it is an abstract one.
std::string path_of(int (*read)(int, sockaddr*, socklen_t*), int fd) {
  sockaddr_un name{};
  socklen_t length = sizeof name;
  if (read(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return {};
  return {name.sun_path, ::strnlen(name.sun_path, sizeof name.sun_path)};
}

napi_value endpoint_of(napi_env env, const PeerAddress& address, const std::string& path) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  bool is_ip = address.family == PeerAddress::kIPv4 || address.family == PeerAddress::kIPv6;
  set(env, result, "address", from_string(env, is_ip ? address.text : path.c_str()));
  if (is_ip) set(env, result, "port", from_double(env, address.port));
  const char* family = address.family == PeerAddress::kIPv4 ? "IPv4" : is_ip ? "IPv6" : "unix";
  set(env, result, "family", from_string(env, family));
  return result;
}

// engineConnection(engine, slot, generation) → { id, remote, local } or undefined when closed.
napi_value engine_connection(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto slot = static_cast<uint32_t>(to_int(env, arguments[1]));
  auto generation = static_cast<uint32_t>(to_int(env, arguments[2]));
  const Connection* connection = engine_of(env, arguments[0]).connection(slot, generation);
  if (connection == nullptr) return undefined(env);
  napi_value result = nullptr;
  napi_create_object(env, &result);
  set(env, result, "id", from_double(env, static_cast<double>(connection->id)));
  PeerAddress remote;
  PeerAddress local;
  connection->read_peer(remote);
  connection->read_local(local);
  // A header announces no paths, so those of the socket are not given in their stead.
  bool is_unix = remote.family == PeerAddress::kUnix &&
                 (connection->announced == nullptr ||
                  connection->announced->family == PeerAddress::kUnknown);
  int fd = connection->fd;
  set(env, result, "remote", endpoint_of(env, remote, is_unix ? path_of(getpeername, fd) : ""));
  set(env, result, "local", endpoint_of(env, local, is_unix ? path_of(getsockname, fd) : ""));
  return result;
}

// engineSocketOption(engine, slot, generation, option, value) → whether it is set; `option` as
// SOCKET_OPTION of src/native.ts.
napi_value engine_socket_option(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto slot = static_cast<uint32_t>(to_int(env, arguments[1]));
  auto generation = static_cast<uint32_t>(to_int(env, arguments[2]));
  int option = to_int(env, arguments[3]);
  int value = to_int(env, arguments[4]);
  bool is_known = option >= 0 && option <= static_cast<int>(SocketOption::kKeepAlive);
  Engine& engine = engine_of(env, arguments[0]);
  bool is_set = is_known && engine.set_socket_option(slot, generation,
                                                     static_cast<SocketOption>(option), value);
  napi_value result = nullptr;
  napi_get_boolean(env, is_set, &result);
  return result;
}

// `IPv4 443 192.0.2.1`, as a connection's ends are known to JavaScript.
PeerAddress peer_of(const std::string& text) {
  PeerAddress peer;
  size_t port = text.find(' ');
  size_t address = port == text.npos ? text.npos : text.find(' ', port + 1);
  if (text.starts_with("unix ")) {
    peer.family = PeerAddress::kUnix;
  } else if (address != text.npos && parse_address(text.substr(address + 1), peer)) {
    peer.port = static_cast<uint16_t>(std::atoi(text.c_str() + port + 1));
  }
  return peer;
}

void set_view(napi_env env, napi_value object, const char* name, std::string_view text) {
  set(env, object, name, from_string(env, std::string(text).c_str()));
}

// makeTrust(settings) → whom a listener with these settings believes, for as long as somebody holds
// it: a request may outlive its listener.
napi_value make_trust(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto* trust = new ForwardedTrust(read_trust(env, arguments[0]));
  auto finalize = [](napi_env, void* data, void*) { delete static_cast<ForwardedTrust*>(data); };
  return make_handle(env, HandleKind::kTrust, trust, finalize);
}

// forwardedClient(trust, peer, list, proto, host) → { address, port?, family, proto, host }: see
// core/forwarded.h.
napi_value forwarded_client(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto& trust = *static_cast<ForwardedTrust*>(handle_data(env, arguments[0]));
  std::string list = to_string(env, arguments[2]);
  std::string proto = to_string(env, arguments[3]);
  std::string host = to_string(env, arguments[4]);
  PeerAddress peer = peer_of(to_string(env, arguments[1]));
  ForwardedClient client = find_client(trust, peer, {list, proto, host});
  napi_value result = endpoint_of(env, client.address, "");
  set_view(env, result, "proto", client.proto);
  set_view(env, result, "host", client.host);
  return result;
}

constexpr Call kCalls[] = {
    {"engineConnection", engine_connection, "Edd"},
    {"engineSocketOption", engine_socket_option, "Edddd"},
    {"makeTrust", make_trust, "o"},
    {"forwardedClient", forwarded_client, "Tssss"},
};

}  // namespace

void register_connection_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
