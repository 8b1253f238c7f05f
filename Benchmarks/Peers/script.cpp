// What one writes in an afternoon instead: reads `gi-bench trace convert --to csv`, counts the stores to protected pages and the misses
// of a 64-entry, 4-way TLB of each vCPU. It knows no page table, switch, window or cost.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: script CSV [FIRST-LAST ...]\n"), 64;
  std::set<uint64_t> watched;
  for (int i = 2; i < argc; i++) {
    char *rest;
    uint64_t page = strtoull(argv[i], &rest, 0), last = *rest == '-' ? strtoull(rest + 1, nullptr, 0) : page;
    for (; page <= last; page++) watched.insert(page);
  }
  std::map<unsigned, std::array<std::array<uint64_t, 4>, 16>> tlbs;
  uint64_t stores = 0, hits = 0, misses = 0;
  std::ifstream file(argv[1]);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 6, "write,") != 0) continue;
    char *at = line.data() + 6;
    unsigned vcpu = strtoul(at, &at, 10);
    strtoull(at + 1, &at, 10);
    uint64_t page = strtoull(at + 1, &at, 16) >> 12;
    stores++;
    hits += watched.count(page);
    auto &ways = tlbs[vcpu][page % 16];
    auto way = std::find(ways.begin(), ways.end(), page);
    if (way == ways.end()) misses++, *--way = page;
    std::rotate(ways.begin(), way, way + 1);
  }
  printf("%lu stores, %lu to watched pages, %lu misses\n", stores, hits, misses);
}
