import SeededRandom

extension SplitMix64 {
  /// True once in `n`.
  mutating func oneIn(_ n: UInt64) -> Bool { next() % n == 0 }

  /// One of the elements.
  mutating func pick<T>(_ elements: [T]) -> T { elements[Int(next() % UInt64(elements.count))] }
}

func hex(_ value: UInt64) -> String { String(value, radix: 16) }
