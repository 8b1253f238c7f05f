import SeededRandom
import Addresses
import Glibc
import Synchronization
import Testing

@testable import MonitorTree

// Not under the thread sanitizer: the races are the attack.
@Suite("A guest that writes node pages while they are read")
struct HostileWriterTests {
  @Test("never makes a look-up wrong, endless, or read outside guest memory", arguments: 1...3)
  func scribbling(seed: UInt64) throws {
    let (guest, model) = try CorruptionTests.sample(seed: seed)
    let nodes = try guest.nodes()
    let saved = nodes.map { Array(guest.bytes(of: $0.pageNumber)) }
    let done = Atomic<Int>.Pointer()
    let lookUps = 300_000
    let objections = Atomic<Int>.Pointer()
    let corrupt = Atomic<Int>.Pointer()
    concurrently([
      {
        var random = SplitMix64(seed: seed)
        while done.value.load(ordering: .acquiring) == 0 {
          let index = Int.random(in: 0..<nodes.count, using: &random)
          let bytes = guest.bytes(of: nodes[index].pageNumber)
          for _ in 0..<8 {
            let offset = Int.random(in: 0..<512, using: &random) * 8
            let word = Bool.random(using: &random) ? random.next() : UInt64(1) << (random.next() % 64)
            bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
          }
          // Most of the time the node is whole, so that look-ups go deep before they meet damage.
          bytes.copyBytes(from: saved[index])
        }
      },
      {
        var random = SplitMix64(seed: seed << 8)
        for step in 0..<lookUps {
          let number = random.next() % CorruptionTests.total
          let answer = guest.tree.find(page(number)).answer
          if case .corrupt = answer {
            corrupt.value.wrappingAdd(1, ordering: .relaxed)
          } else if model.objection(to: answer, about: number) != nil {
            objections.value.wrappingAdd(1, ordering: .relaxed)
          }
          if step % 256 == 0 { _ = guest.tree.find(pages(0, CorruptionTests.total)) }
          if step % 1024 == 0 { _ = guest.tree.check() }
        }
        done.value.store(1, ordering: .releasing)
      },
    ])
    #expect(objections.value.load(ordering: .relaxed) == 0)
    print(
      "hostile writer: seed \(seed), \(lookUps) look-ups, \(corrupt.value.load(ordering: .relaxed)) called corrupt")
  }
}
