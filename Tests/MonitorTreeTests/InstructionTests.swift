import Addresses
import CNodeSearch
import SeededRandom
import Testing

@testable import MonitorTree

@Suite("The look-up by whatever instructions the processor has")
struct InstructionTests {
  static let sets = [node_portable, node_avx2, node_avx512].filter(node_has)

  @Test("decides the same as every other and as the examination, on sound nodes and on damaged ones", arguments: 1...4)
  func sameDecisions(seed: UInt64) throws {
    let (guest, _) = try CorruptionTests.sample(seed: seed, seed % 2 == 0 ? .tiny : NodeShape())
    let nodes = try guest.nodes()
    let memory = guest.memory
    let base = guest.base.reference
    var random = SplitMix64(seed: seed)
    var decided = 0
    for _ in 0..<300 {
      let node = nodes.randomElement(using: &random)!
      let bytes = guest.bytes(of: node.pageNumber)
      let bit = Int.random(in: 0..<4096 * 8, using: &random)
      for number in 0..<UInt32(CorruptionTests.total) {
        let findings = Self.sets.map { node_find_by($0, memory.start, memory.pageCount, base.rawValue, number) }
        for (set, found) in zip(Self.sets, findings) {
          #expect(found.start == findings[0].start && found.word == findings[0].word, "seed \(seed) \(set) \(number)")
        }
        guard node_is_decided(findings[0]) else { continue }
        decided += 1
        let examined = guest.tree.examine(page(UInt64(number)), from: base)
        #expect(Finding(findings[0], nodesVisited: base.level + 1) == examined, "seed \(seed) page \(number)")
      }
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    #expect(decided > 1000)
    CaseCount.corruptions.add(300 * Self.sets.count)
  }

  @Test("check codes are CRC-32C, by instruction and by table")
  func checkCodes() {
    func byDefinition(_ words: [UInt64], _ start: UInt32) -> UInt32 {
      var code = start
      for word in words {
        for bit in 0..<64 {
          let low = (code ^ UInt32(truncatingIfNeeded: word >> UInt64(bit))) & 1
          code = code >> 1 ^ (low == 1 ? 0x82f6_3b78 : 0)
        }
      }
      return code
    }
    // RFC 3720, appendix B.4: 32 bytes of zeroes have the CRC aa 36 91 8a.
    let half = node_check(0, 0, UInt64(UInt32.max))
    #expect(~node_check(0, 0, UInt64(half)) == 0x8a91_36aa)
    var random = SplitMix64(seed: 3)
    for _ in 0..<10_000 {
      let (keys, word, seed) = (random.next(), random.next(), random.next())
      let code = node_check(keys, word, seed)
      #expect(code == node_check_portable(keys, word, seed))
      #expect(code == byDefinition([keys, word], UInt32(truncatingIfNeeded: seed)))
    }
  }
}
