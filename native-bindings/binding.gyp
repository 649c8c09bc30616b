{
  "targets": [
    {
      "target_name": "millrace",
      "sources": [
        "core/access-log.cc",
        "core/acceptor.cc",
        "core/address-table.cc",
        "core/balancer.cc",
        "core/connection.cc",
        "core/encoder.cc",
        "core/engine.cc",
        "core/engine-body.cc",
        "core/engine-close.cc",
        "core/engine-control.cc",
        "core/engine-read.cc",
        "core/engine-record.cc",
        "core/engine-reply.cc",
        "core/host.cc",
        "core/intern.cc",
        "core/log-format.cc",
        "core/log-ring.cc",
        "core/mailbox.cc",
        "core/parser.cc",
        "core/recorder.cc",
        "core/refusals.cc",
        "core/server.cc",
        "core/slab.cc",
        "core/target.cc",
        "core/transport.cc",
        "napi/addon.cc",
        "napi/engine-bridge.cc",
        "napi/engine-calls.cc",
        "napi/listener-bridge.cc",
        "napi/log-calls.cc",
        "napi/values.cc"
      ],
      "include_dirs": ["."],
      "defines": ["NAPI_VERSION=9"],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fvisibility=hidden"],
      "cflags!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fexceptions", "-frtti"],
      "cflags_cc": ["-std=c++20", "-fno-exceptions", "-fno-rtti"],
      "ldflags": ["-Wl,-z,nodelete"]
    }
  ]
}
