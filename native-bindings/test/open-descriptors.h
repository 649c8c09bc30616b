// How many descriptors this process has: the same before and after, or one was lost or closed
// twice.
#pragma once

#include <dirent.h>

namespace millrace::test {

inline int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) count++;
  closedir(folder);
  return count;
}

}  // namespace millrace::test
