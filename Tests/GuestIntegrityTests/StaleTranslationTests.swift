import SeededRandom
import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import ScriptedGuest
import Testing

/// Two and more vCPUs with translation caches that keep whatever the architecture lets them keep.
@Suite("Translation caches of several vCPUs")
struct StaleTranslationTests {
  let data = GuestLayout.driverData(page: 0, offset: 0x100)
  let dataInDirectMap = GuestLayout.direct(.init(GuestLayout.data.first.address.rawValue + 0x100))

  /// A random mixture of windows, protections, stores of everybody, page movements, interrupts.
  ///
  /// - Parameter sparesTree: nobody stores into nodes, where such a store might be performed.
  static func run(
    _ machine: GuestMachine, seed: UInt64, steps: Int, vcpus: Int, sparesTree: Bool = false, closing: Bool = true
  ) {
    var random = SplitMix64(seed: seed)
    let drivers = (0..<vcpus).map { GIDriver(machine, on: $0) }
    for _ in 0..<steps {
      let vcpu = Int(random.below(UInt64(vcpus)))
      let driver = drivers[vcpu]
      let isInside = machine.hypervisor.mode(of: vcpu) == .integrity
      let candidates: [UInt64] = [
        GuestLayout.text.first.rawValue + random.below(0x240), GuestLayout.malware.first.rawValue + random.below(4),
        GuestLayout.data.first.rawValue + 8 + random.below(2), GuestLayout.nodes.first.rawValue + random.below(4),
      ]
      let page = candidates.dropLast(sparesTree ? 1 : 0).randomElement(using: &random) ?? 0
      let linear = GuestLayout.direct(GuestPhysicalAddress(page << 12 | random.below(500) * 8))
      switch random.below(10) {
      case 0: if !isInside { driver.enter() }
      case 1: if isInside { driver.exit() }
      case 2 where isInside:
        let first = GuestLayout.text.first.rawValue + random.below(0x230)
        if let range = PageRange(first: GuestPageNumber(first), count: 1 + random.below(300)) {
          if random.below(2) == 0 { driver.unprotect(range) } else { driver.protect(range, .log, region: 3) }
        }
      case 3 where isInside:
        driver.store(random.next(), at: GuestLayout.driverData(page: 0, offset: 0x100 + random.below(100) * 8))
      case 4: try? machine.hypervisor.move(GuestPageNumber(page), on: vcpu)
      case 5 where random.below(4) == 0: machine.nonMaskableInterrupt(on: vcpu)
      case 6: _ = machine.load(linear, on: vcpu)
      default:
        if !isInside { machine.setRegisters(of: vcpu) { $0.rip = GuestLayout.malwareBody } }
        machine.store(random.next(), at: linear, on: vcpu)
      }
    }
    guard closing else { return }
    for vcpu in 0..<vcpus where machine.hypervisor.mode(of: vcpu) == .integrity { drivers[vcpu].exit() }
  }

  @Test(
    "never answer from an entry that has changed, under any mechanism", arguments: Mechanism.every,
    [1, 2] as [UInt64])
  func silent(mechanism: Mechanism, seed: UInt64) throws {
    let vcpus = 2 + Int(seed) % 3
    let machine = try GuestMachine.armed(mechanism, vcpus: vcpus)
    Self.run(machine, seed: seed, steps: 600, vcpus: vcpus)
    #expect(machine.staleTranslations.isEmpty, "seed \(seed): \(machine.staleTranslations.first.map { "\($0)" } ?? "")")
    #expect(machine.hypervisor.audit() == [], "seed \(seed)")
  }

  @Test(
    "are of the same frames in every set, the open view's too, whatever has been moved and unmapped",
    arguments: Mechanism.every, [3, 4] as [UInt64])
  func sameFrames(mechanism: Mechanism, seed: UInt64) throws {
    let machine = try GuestMachine.armed(mechanism)
    for page in [0x1500, 0x3300, 0x3fff] as [UInt64] { try machine.hypervisor.unmap(GuestPageNumber(page), on: 0) }
    Self.run(machine, seed: seed, steps: 300, vcpus: 2)
    var moved = 0
    for number in 0..<GuestLayout.ramBytes >> 12 {
      let page = GuestPageNumber(number)
      let frame = machine.hypervisor.frame(of: page)
      if let frame, frame.rawValue >> 12 != number { moved += 1 }
      for set in TableSet.allCases {
        var processor = EPTMachine(memory: machine.hypervisor.memory, eptp: machine.hypervisor.eptp(of: set))
        var found: HostPhysicalAddress?
        if case .translated(let translation) = processor.access(GuestAccess(page.address, .dataRead)) {
          found = translation.hpa
        }
        try #require(found == frame, "seed \(seed): page \(number) in set \(set)")
      }
    }
    #expect(moved > 0, "seed \(seed)")
  }

  @Test(
    "do so when a hypervisor forgets to interrupt the other vCPUs, and the detector speaks", arguments: Mechanism.every)
  func speaks(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let page = PageRange(page: GuestLayout.malware.first)
    let linear = GuestLayout.direct(page.first.address)
    #expect(machine.store(1, at: linear, on: 1) == .done)
    machine.hypervisor.processors.losesShootdowns = true
    GIDriver(machine).window { GIDriver(machine).protect(page, .log, region: 4) }
    machine.store(2, at: linear, on: 1)
    #expect(machine.staleTranslations.map(\.owed) == [.invept(machine.hypervisor.eptp(of: .normal).tag)])
  }

  @Test("need no invalidation when integrity mode is entered and left, but where write bits are toggled")
  func windows() throws {
    for mechanism in Mechanism.every {
      let machine = try GuestMachine.armed(mechanism)
      // Both vCPUs have cached what there is to cache.
      for vcpu in 0..<2 { GIDriver(machine, on: vcpu).window { _ = machine.load(data, on: vcpu) } }
      let before = machine.hypervisor.processors.invalidations
      machine.hypervisor.processors.losesShootdowns = true
      for value in UInt64(0)..<5 {
        GIDriver(machine).window {
          GIDriver(machine).store(value, at: data)
          // The other vCPU tries its luck while the window is open, and again when it is closed.
          machine.store(77, at: dataInDirectMap, on: 1)
        }
        machine.store(78, at: dataInDirectMap, on: 1)
      }
      if mechanism.switching == .toggleWriteBits {
        // Unsound in two ways: the store in the window is let through, and the stale right outlives the window.
        #expect(machine.word(at: .init(GuestLayout.data.first.address.rawValue + 0x100)) == 78)
        #expect(machine.staleTranslations.contains { $0.owed == .invept(machine.hypervisor.eptp(of: .normal).tag) })
        #expect(machine.hypervisor.processors.invalidations > before)
      } else if !mechanism.isLogged {
        #expect(machine.word(at: .init(GuestLayout.data.first.address.rawValue + 0x100)) == 4)
        #expect(machine.staleTranslations.isEmpty, "\(mechanism)")
        #expect(machine.hypervisor.processors.invalidations == before, "\(mechanism)")
      }
    }
  }

  @Test("are invalidated on the vCPUs that can hold something, and on no other")
  func onlyWhereNeeded() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), vcpus: 4)
    // vCPU 3 has been in integrity mode; 1 and 2 never were.
    GIDriver(machine, on: 3).window {}
    let before = machine.hypervisor.processors.invalidations
    GIDriver(machine).window { GIDriver(machine).protect(GuestLayout.malware, .log, region: 4) }
    // The normal set on 0, 1, 2, 3; the integrity set on 0 and 3.
    #expect(machine.hypervisor.processors.invalidations == before + 6)
  }

  @Test("behave the same when they keep nothing, or lose things at random", arguments: Mechanism.every)
  func cachePolicies(mechanism: Mechanism) throws {
    var results: [[UInt64]] = []
    for cache in [Policies.Cache.none, .maximal, .random(seed: 5)] {
      let machine = try GuestMachine(Configuration(mechanism), cache: cache)
      GIDriver(machine).arm()
      Self.run(machine, seed: 11, steps: 300, vcpus: 2)
      let words = stride(from: UInt64(0), to: GuestLayout.ramBytes, by: 4096).map { page in
        (0..<8).reduce(UInt64(0)) { $0 &* 31 &+ machine.word(at: GuestPhysicalAddress(page + $1 * 64)) }
      }
      results.append(words + machine.takeEvents().map { $0.address.rawValue })
      #expect(machine.staleTranslations.isEmpty)
    }
    // A modification log depends on what was cached: when a dirty flag is seen is when a write is seen.
    guard !mechanism.isLogged else { return }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }
}
