import Addresses
import SeededRandom

/// How a generator chooses the page of the next store.
public enum Workload: String, CaseIterable, Sendable {
  /// Every page equally often, in no order.
  case uniform
  /// Page k with a probability proportional to 1 / (k + 1): a few pages get most stores.
  case zipf
  /// Every 8 bytes from the first page to the last, again and again: a guest that clears memory.
  case scan
  /// One store on every 16th page, in rounds that shift by one page: no page twice in a while.
  case stride
  /// Nearly all stores are runs of their own, on pages that fall into one set of a set-associative cache, and many cross into the next page.
  case adversarial
}

extension SplitMix64 {
  /// A number below `bound`, by the high half of a product: no division, and the same on every machine.
  mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }
}

/// The choices of a workload, one after the other.
struct WorkloadSource {
  private let workload: Workload
  private let pages: UInt64
  private var random: SplitMix64
  private var step: UInt64 = 0
  /// For zipf: the sums of the weights, in units of 2^-32 of the first.
  private var sums: [UInt64] = []

  init(_ workload: Workload, pages: UInt64, seed: UInt64) {
    self.workload = workload
    self.pages = pages
    random = SplitMix64(seed: seed)
    if workload == .zipf {
      var sum: UInt64 = 0
      sums = (0..<pages).map { page in
        sum += (1 << 32) / (page + 1) + 1
        return sum
      }
    }
  }

  /// The next store: its guest-physical address and size.
  mutating func next() -> (gpa: UInt64, size: Int) {
    defer { step &+= 1 }
    switch workload {
    case .uniform: return (random.below(pages) << 12 | random.below(512) << 3, 8)
    case .zipf:
      let weight = random.below(sums.last ?? 1)
      let page = sums.partitioningIndex { $0 > weight }
      return (UInt64(page) << 12 | random.below(512) << 3, 8)
    case .scan: return ((step % (pages << 9)) << 3, 8)
    case .stride:
      let strides = max(pages / 16, 1)
      let page = (step % strides * 16 + step / strides) % pages
      return (page << 12 | random.below(512) << 3, 8)
    case .adversarial:
      // Pages a multiple of 64 apart share a set; every fourth store runs into the page behind.
      let sets = max(pages / 64, 1)
      let page = min(random.below(sets) * 64, pages - 1)
      let crosses = step & 3 == 0 && page + 1 < pages
      return (page << 12 | (crosses ? 4092 : random.below(512) << 3), 8)
    }
  }
}
