#include "include/peers.h"

#include <Judy.h>
#include <absl/container/btree_map.h>
#include <boost/icl/interval_map.hpp>
#include <llvm/ADT/IntervalMap.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

namespace {
using Page = uint32_t;
// What a page is monitored for; 0 is nothing.
using Actions = uint16_t;
constexpr Actions kActions = 1;

struct Ranges {
  const Page *first, *pages;
  size_t count;
  Page limit;
};
}  // namespace

struct peer {
  virtual ~peer() = default;
  virtual uint64_t look_up(const Page *queries, size_t count) const = 0;
};

namespace {
// A container answers for one page; the loop over them is part of its type, so that nothing is called by pointer in it.
template <typename Container>
struct Looped final : peer {
  Container container;
  explicit Looped(const Ranges &ranges) : container(ranges) {}
  uint64_t look_up(const Page *queries, size_t count) const override {
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) found += container.actions(queries[i]) != 0;
    return found;
  }
};

struct Value {
  Page end;
  Actions actions;
};

// The range that begins last at or before a page, in an ordered map from first pages.
template <typename Map>
struct OrderedMap {
  Map map;
  explicit OrderedMap(const Ranges &r) {
    for (size_t i = 0; i < r.count; i++) map.emplace(r.first[i], Value{r.first[i] + r.pages[i], kActions});
  }
  Actions actions(Page page) const {
    auto after = map.upper_bound(page);
    if (after == map.begin()) return 0;
    const Value &value = std::prev(after)->second;
    return page < value.end ? value.actions : Actions(0);
  }
};

struct SortedArray {
  std::vector<Page> first;
  std::vector<Value> values;
  explicit SortedArray(const Ranges &r) : first(r.first, r.first + r.count) {
    for (size_t i = 0; i < r.count; i++) values.push_back({r.first[i] + r.pages[i], kActions});
  }
  Actions actions(Page page) const {
    size_t after = std::upper_bound(first.begin(), first.end(), page) - first.begin();
    if (after == 0) return 0;
    const Value &value = values[after - 1];
    return page < value.end ? value.actions : Actions(0);
  }
};

struct BoostICL {
  boost::icl::interval_map<Page, Actions> map;
  explicit BoostICL(const Ranges &r) {
    for (size_t i = 0; i < r.count; i++) {
      auto range = boost::icl::interval<Page>::right_open(r.first[i], r.first[i] + r.pages[i]);
      map.insert(map.end(), {range, kActions});
    }
  }
  Actions actions(Page page) const {
    auto found = map.find(page);
    return found == map.end() ? Actions(0) : found->second;
  }
};

struct LLVMIntervalMap {
  using Map = llvm::IntervalMap<Page, Actions, 16, llvm::IntervalMapHalfOpenInfo<Page>>;
  std::unique_ptr<Map::Allocator> allocator = std::make_unique<Map::Allocator>();
  std::unique_ptr<Map> map = std::make_unique<Map>(*allocator);
  explicit LLVMIntervalMap(const Ranges &r) {
    for (size_t i = 0; i < r.count; i++) map->insert(r.first[i], r.first[i] + r.pages[i], kActions);
  }
  Actions actions(Page page) const { return map->lookup(page, 0); }
};

// Packed into a word: the end above, the actions below.
struct JudyLArray {
  Pvoid_t array = nullptr;
  explicit JudyLArray(const Ranges &r) {
    for (size_t i = 0; i < r.count; i++) {
      auto *value = reinterpret_cast<Word_t *>(JudyLIns(&array, r.first[i], nullptr));
      if (!value) abort();
      *value = Word_t(r.first[i] + r.pages[i]) << 16 | kActions;
    }
  }
  JudyLArray(const JudyLArray &) = delete;
  ~JudyLArray() { JudyLFreeArray(&array, nullptr); }
  Actions actions(Page page) const {
    Word_t index = page;
    auto *value = reinterpret_cast<const Word_t *>(JudyLLast(array, &index, nullptr));
    return value && page < *value >> 16 ? Actions(*value) : Actions(0);
  }
};

// Not a container of ranges: two bytes for every page of the guest.
struct PageArray {
  std::vector<Actions> pages;
  explicit PageArray(const Ranges &r) : pages(r.limit) {
    for (size_t i = 0; i < r.count; i++) std::fill_n(pages.begin() + r.first[i], r.pages[i], kActions);
  }
  Actions actions(Page page) const { return pages[page]; }
};

struct Kind {
  const char *name;
  peer *(*make)(const Ranges &);
};
template <typename Container>
peer *make(const Ranges &ranges) {
  return new Looped<Container>(ranges);
}

const Kind kinds[] = {
    {"LLVM IntervalMap", make<LLVMIntervalMap>},
    {"JudyL", make<JudyLArray>},
    {"absl::btree_map", make<OrderedMap<absl::btree_map<Page, Value>>>},
    {"std::upper_bound", make<SortedArray>},
    {"Boost.ICL", make<BoostICL>},
    {"std::map", make<OrderedMap<std::map<Page, Value>>>},
    {"two bytes a page", make<PageArray>},
};
}  // namespace

size_t peer_count(void) { return sizeof kinds / sizeof *kinds; }
const char *peer_name(size_t index) { return kinds[index].name; }
peer *peer_make(size_t index, const uint32_t *first, const uint32_t *pages, size_t count, uint32_t limit) {
  return kinds[index].make({first, pages, count, limit});
}
uint64_t peer_look_up(const peer *peer, const uint32_t *queries, size_t count) { return peer->look_up(queries, count); }
void peer_free(peer *peer) { delete peer; }
