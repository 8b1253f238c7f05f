import SeededRandom

extension SplitMix64 {
  mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }
}
