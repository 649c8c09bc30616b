// The table of hot targets: same path, same id; a recycled id has a new version; bounded.
#include "core/intern.h"

#include <string>
#include <vector>

#include "check.h"

using millrace::InternTable;
using millrace::test::Guarded;

namespace {

int32_t id_of(InternTable& table, const std::string& path, uint32_t routes = 0) {
  Guarded bytes{std::string_view(path)};
  return table.find_or_add(bytes.data(), static_cast<uint32_t>(path.size()), routes);
}

void the_same_path_has_the_same_id() {
  InternTable table;
  for (size_t length = 1; length <= InternTable::kPathBytesMax; length += 13) {
    std::string path = "/" + std::string(length - 1, 'a');
    int32_t id = id_of(table, path);
    CHECK(id >= 0 && id < static_cast<int32_t>(InternTable::kEntries));
    int32_t version = table.at(id).version;
    CHECK(id_of(table, path) == id && table.at(id).version == version);
  }
}

void paths_that_share_much_differ() {
  InternTable table;
  CHECK(id_of(table, "/users/1") != id_of(table, "/users/2"));
  CHECK(id_of(table, "/a") != id_of(table, "/a/"));
  std::string zero("/a\0", 3);
  CHECK(id_of(table, zero) != id_of(table, "/a"));
}

void a_long_path_is_not_kept() {
  InternTable table;
  CHECK(id_of(table, std::string(InternTable::kPathBytesMax, '/')) >= 0);
  CHECK(id_of(table, std::string(InternTable::kPathBytesMax + 1, '/')) == -1);
}

void a_recycled_id_has_a_new_version_and_no_constant() {
  InternTable table;
  std::vector<int32_t> versions(InternTable::kEntries, 0);
  std::vector<std::string> paths(InternTable::kEntries);
  int recycled = 0;
  for (uint32_t i = 0; i < 3 * InternTable::kEntries; i++) {
    std::string path = "/item/" + std::to_string(i);
    int32_t id = id_of(table, path);
    auto at = static_cast<size_t>(id);
    CHECK(id >= 0 && table.at(id).version > versions[at]);
    CHECK(table.at(id).constant == -1);
    if (!paths[at].empty()) recycled++;
    versions[at] = table.at(id).version;
    paths[at] = path;
    table.at(id).constant = 5;
  }
  CHECK(recycled > 0);
}

void ids_begin_at_0_and_leave_none_out() {
  InternTable table;
  for (int32_t i = 0; i < 1000; i++) {
    std::string path = "/" + std::string(static_cast<size_t>(i) % 70, 'x') + std::to_string(i);
    int32_t id = id_of(table, path);
    // A full set gives the id of another path away, which takes none from the row.
    CHECK(id >= 0 && id <= i);
    CHECK(id_of(table, path) == id);
  }
  CHECK(table.count() >= 990 && id_of(table, "/the next") <= table.count());
}

void paths_of_any_length_take_the_place_of_others() {
  InternTable table;
  const auto inlined = millrace::InternEntry::kInlineBytes;
  for (uint32_t i = 0; i < 4 * InternTable::kEntries; i++) {
    std::string path = "/" + std::to_string(i) + std::string(i % (2 * inlined), 'y');
    CHECK(id_of(table, path) == id_of(table, path));
  }
}

void the_same_path_of_another_table_of_routes_is_another() {
  InternTable table;
  // So many that ids are recycled too.
  for (uint32_t i = 0; i < InternTable::kEntries / 2; i++) {
    std::string path = "/" + std::string(i % 300, 'x') + std::to_string(i);
    int32_t first = id_of(table, path, 0);
    table.at(first).constant = 7;
    int32_t version = table.at(first).version;
    for (uint32_t routes : {1u, 2u, 128u, 65535u}) {
      int32_t other = id_of(table, path, routes);
      CHECK(other != first || table.at(other).version > version);
      CHECK(table.at(other).constant == -1);
    }
  }
}

// In a table that has room: in a full set one path may take the other's id.
void a_length_cannot_be_taken_for_a_table_of_routes() {
  InternTable table;
  CHECK(id_of(table, "/a", 1) != id_of(table, "/a", 0));
  CHECK(id_of(table, "/ab", 0) != id_of(table, "/a", 1));
}

void a_new_epoch_keeps_ids_but_no_version_and_no_constant() {
  InternTable table;
  // By id, the path that has it: by the seed a set may be full, and an id change hands.
  std::vector<std::string> paths;
  std::vector<int32_t> versions;
  for (int i = 0; i < 500; i++) {
    std::string path = "/" + std::to_string(i);
    auto id = static_cast<size_t>(id_of(table, path));
    if (id == paths.size()) {
      paths.emplace_back();
      versions.push_back(0);
    }
    table.at(static_cast<int32_t>(id)).constant = i;
    paths[id] = path;
    versions[id] = table.at(static_cast<int32_t>(id)).version;
  }
  CHECK(paths.size() >= 490);
  table.new_epoch();
  for (size_t i = 0; i < paths.size(); i++) {
    auto id = static_cast<int32_t>(i);
    const auto& entry = table.at(id);
    CHECK(entry.version > versions[i] && entry.constant == -1);
    CHECK(id_of(table, paths[i]) == id && entry.version > versions[i]);
  }
}

}  // namespace

int main() {
  the_same_path_has_the_same_id();
  paths_that_share_much_differ();
  a_long_path_is_not_kept();
  a_recycled_id_has_a_new_version_and_no_constant();
  ids_begin_at_0_and_leave_none_out();
  paths_of_any_length_take_the_place_of_others();
  the_same_path_of_another_table_of_routes_is_another();
  a_length_cannot_be_taken_for_a_table_of_routes();
  a_new_epoch_keeps_ids_but_no_version_and_no_constant();
}
