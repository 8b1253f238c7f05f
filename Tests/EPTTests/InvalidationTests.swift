import Addresses
import Testing

@testable import EPT

@Suite("What each operation invalidates")
struct InvalidationTests {
  typealias Machine = EPTMachine<SparseMemory>

  /// What is cached before the operation. The current context is VPID 5, PCID 1; EPT maps the first GiB one to one, or is off.
  enum Held: CaseIterable {
    /// A translation, and one of another page.
    case own, other
    /// A global translation.
    case global
    /// The first page's translation under PCID 2, and under VPID 6.
    case pcid2, vpid6
    /// The way to the page table, for a page that was not accessed yet.
    case table

    var linear: UInt64 {
      switch self {
      case .own, .pcid2, .vpid6: 0x9010
      case .other: 0xa010
      case .global: 0xb010
      case .table: 0xc010
      }
    }
  }

  /// A world whose caches hold all of that, and whose tables say something else by now.
  static func warm(withEPT: Bool) -> GuestWorld {
    var world = WideningTests.world(.pdpte, .pte, vpid: 5)
    world.machine.controls.set(.enableEPT, to: withEPT)
    world.machine.guest.processContextIDs = true
    world.set(0xc000 + 0xb * 8, 0xb167)
    for held in Held.allCases where held != .table {
      claim(Self.hpa(held, in: &world) == held.linear, "\(held) is cached")
    }
    for held in Held.allCases { world.set(0xc000 + (held.linear >> 12) * 8, 0x20_0067 | (held == .global ? 0x100 : 0)) }
    // Another page table, whose entries lead where the old one's did not.
    for page in UInt64(0)..<16 { world.set(0xd000 + page * 8, 0x30_0067 | (page == 0xb ? 0x100 : 0)) }
    world.set(0xb000, 0xd067)
    return world
  }

  /// Where an access leads in the context of something held.
  static func hpa(_ held: Held, in world: inout GuestWorld) -> UInt64? {
    world.machine.guest.cr3 = held == .pcid2 ? 0x9002 : 0x9001
    world.machine.fields.vpid = held == .vpid6 ? 6 : 5
    defer {
      world.machine.guest.cr3 = 0x9001
      world.machine.fields.vpid = 5
    }
    return world.linear(held.linear, .read).hpa
  }

  /// The operations, and what of all that they drop.
  static var operations: [(String, Set<Held>, (inout Machine) -> Void)] {
    [
      ("nothing", [], { _ in }),
      ("INVLPG", [.own, .table], { $0.invlpg(GuestLinearAddress(0x9fff)) }),
      ("INVLPG of a global page", [.global, .table], { $0.invlpg(GuestLinearAddress(0xb000)) }),
      ("INVLPG elsewhere: all paging-structure entries", [.table], { $0.invlpg(GuestLinearAddress(0x7f_0000_0000)) }),
      ("INVLPG, not canonical", [], { $0.invlpg(GuestLinearAddress(0x8000_0000_9000)) }),
      ("INVPCID 0", [.own, .table], { _ = $0.invpcid(type: 0, pcid: 1, linear: GuestLinearAddress(0x9000)) }),
      ("INVPCID 0, PCID 2", [.pcid2], { _ = $0.invpcid(type: 0, pcid: 2, linear: GuestLinearAddress(0x9000)) }),
      ("INVPCID 0, global page", [.table], { _ = $0.invpcid(type: 0, pcid: 1, linear: GuestLinearAddress(0xb000)) }),
      ("INVPCID 0 elsewhere", [], { _ = $0.invpcid(type: 0, pcid: 1, linear: GuestLinearAddress(0x7f_0000_0000)) }),
      ("INVPCID 1", [.own, .other, .table], { _ = $0.invpcid(type: 1, pcid: 1, linear: GuestLinearAddress(0)) }),
      ("INVPCID 1, PCID 2", [.pcid2], { _ = $0.invpcid(type: 1, pcid: 2, linear: GuestLinearAddress(0)) }),
      (
        "INVPCID 2", [.own, .other, .global, .pcid2, .table],
        { _ = $0.invpcid(type: 2, pcid: 7, linear: GuestLinearAddress(0)) }
      ),
      (
        "INVPCID 3", [.own, .other, .pcid2, .table], { _ = $0.invpcid(type: 3, pcid: 7, linear: GuestLinearAddress(0)) }
      ),
      ("INVPCID 4", [], { claim(!$0.invpcid(type: 4, pcid: 0, linear: GuestLinearAddress(0)), "#GP") }),
      ("MOV to CR3", [.own, .other, .table], { $0.moveToCR3(0x9001) }),
      ("MOV to CR3, PCID 2", [.pcid2], { $0.moveToCR3(0x9002) }),
      ("MOV to CR3 with bit 63", [], { $0.moveToCR3(1 << 63 | 0x9001) }),
      ("a flush", [.own, .other, .global, .pcid2, .table], { $0.flushGuestMappings() }),
      ("a transition", [], { $0.vmTransition() }),
      ("INVVPID 0", [.own, .pcid2, .table], { _ = $0.invvpid(type: 0, vpid: 5, linear: GuestLinearAddress(0x9000)) }),
      (
        "INVVPID 0, global page", [.global, .table],
        { _ = $0.invvpid(type: 0, vpid: 5, linear: GuestLinearAddress(0xb000)) }
      ),
      ("INVVPID 0, VPID 6", [.vpid6], { _ = $0.invvpid(type: 0, vpid: 6, linear: GuestLinearAddress(0x9000)) }),
      (
        "INVVPID 1", [.own, .other, .global, .pcid2, .table],
        { _ = $0.invvpid(type: 1, vpid: 5, linear: GuestLinearAddress(0)) }
      ),
      ("INVVPID 1, VPID 6", [.vpid6], { _ = $0.invvpid(type: 1, vpid: 6, linear: GuestLinearAddress(0)) }),
      ("INVVPID 2", Set(Held.allCases), { _ = $0.invvpid(type: 2, vpid: 0, linear: GuestLinearAddress(0)) }),
      (
        "INVVPID 3", [.own, .other, .pcid2, .table], { _ = $0.invvpid(type: 3, vpid: 5, linear: GuestLinearAddress(0)) }
      ),
      (
        "INVVPID 1 with VPID 0", [],
        { claim($0.invvpid(type: 1, vpid: 0, linear: GuestLinearAddress(0)) != .success, "fails") }
      ),
      ("INVEPT 1, other root", [], { _ = $0.invept(type: 1, eptp: EPTPointer(0x701e)) }),
    ]
  }

  @Test(
    "is what the manual says: by page, PCID, VPID, and global or not; with EPT and without", arguments: [true, false])
  func matrix(withEPT: Bool) {
    Claims.table("invalidations \(withEPT ? "with" : "without") EPT") {
      let invept: (String, Set<Held>, (inout Machine) -> Void) = (
        "INVEPT 1", withEPT ? Set(Held.allCases) : [], { _ = $0.invept(type: 1, eptp: EPTPointer(0x101e)) }
      )
      let all: (String, Set<Held>, (inout Machine) -> Void) = (
        "INVEPT 2", withEPT ? Set(Held.allCases) : [], { _ = $0.invept(type: 2, eptp: EPTPointer(0)) }
      )
      for (name, dropped, operation) in Self.operations + [invept, all] {
        for held in Held.allCases {
          var world = Self.warm(withEPT: withEPT)
          operation(&world.machine)
          let found = Self.hpa(held, in: &world)
          // Through the old page table the page that was not accessed has the first new frame, through the new one the second.
          let stale: UInt64 = held == .table ? 0x20_0010 : held.linear
          let isStale = found == stale
          claim(isStale == !dropped.contains(held), "\(name): \(held) led to \(found.map(hex) ?? "a refusal")")
        }
      }
    }
  }

  @Test(
    "with VPIDs off any VM exit or entry drops all of VPID 0, and each line that writes to the VMCS makes both",
    arguments: [true, false])
  func transitions(withEPT: Bool) {
    Claims.table("transitions \(withEPT ? "with" : "without") EPT") {
      let setUp = """
        w64 1000 2007
        w64 2000 b7
        w64 9000 a067
        w64 a000 b067
        w64 b000 c067
        w64 c000 d067
        eptp 101e
        reg cr3=0x9000
        policy cache=maximal
        ctl ept=\(withEPT ? 1 : 0)

        """
      for vpid in [0, 5] {
        for (line, passes) in [
          ("", false), ("vmexit", true), ("vmentry", true), ("eptp 101e", true), ("ctl pw=0", true), ("spptp 0", true),
          ("pml 0 1ff", true), ("veinfo 0 0", true), ("eptplist 0", true), ("invvpid 1 7 0", true),
          ("invvpid 9 0 0", true),
          ("eptpok 101e", false), ("cap maxpa=46", false), ("reg ac=1", false), ("policy rmwread=0", false),
          ("invept 1 701e", true), ("invept 9 0", true),
        ] {
          let text = "\(setUp)ctl vpid=\(vpid)\nla 10 r\nw64 c000 e067\n\(line)\nla 10 r\n"
          let answers = ProtocolTests.answers(text).lines
          let expected = vpid == 0 && passes ? "e010" : "d010"
          claim(
            answers.first == "OK hpa=d010 |W |pml=1ff" && answers.last == "OK hpa=\(expected) |W |pml=1ff",
            "VPID \(vpid), '\(line)': \(answers)")
        }
      }
      for (vpids, expected) in [((0, 5), "e010"), ((5, 0), "e010")] as [((Int, Int), String)] {
        let text =
          "\(setUp)ctl vpid=\(vpids.0)\nla 10 r\nw64 c000 e067\nctl vpid=\(vpids.1)\nctl vpid=\(vpids.0 == 0 ? 0 : vpids.1)\nla 10 r\n"
        claim(ProtocolTests.answers(text).lines.last == "OK hpa=\(expected) |W |pml=1ff", "\(vpids)")
      }
    }
  }

  @Test(
    "of sub-page permissions: INVEPT drops vectors and the tables above them, a violation those of its page, INVVPID none"
  )
  func subPages() {
    Claims.table("cached sub-page permissions") {
      let operations: [(String, Bool, (inout Machine) -> Void)] = [
        ("nothing", false, { _ in }), ("INVEPT 1", true, { _ = $0.invept(type: 1, eptp: EPTPointer(0x101e)) }),
        ("INVEPT 2", true, { _ = $0.invept(type: 2, eptp: EPTPointer(0)) }),
        ("INVEPT 1, other root", false, { _ = $0.invept(type: 1, eptp: EPTPointer(0x701e)) }),
        ("INVVPID", false, { _ = $0.invvpid(type: 1, vpid: 5, linear: GuestLinearAddress(0)) }),
        ("a violation", true, { _ = $0.access(GuestAccess(GuestPhysicalAddress(0x9000), .codeFetch)) }),
        ("a violation elsewhere", false, { _ = $0.access(GuestAccess(GuestPhysicalAddress(0x4000_0000), .fetch)) }),
      ]
      // Which table or vector says something else: by its address.
      for changed in [0x40000, 0x41000, 0x42000, 0x43048] as [UInt64] {
        for (name, drops, operation) in operations {
          var world = WideningTests.world(.pte, .pte, vpid: 5)
          world.machine.controls.set(.subPageWritePermissions, to: true)
          world.machine.fields.spptp = HostPhysicalAddress(0x40000)
          for table in [0x40000, 0x41000, 0x42000] as [UInt64] { world.set(table, table + 0x1001) }
          for page in [8, 9] as [UInt64] {
            world.set(GuestWorld.slot(page), GuestWorld.base + page << 12 | 0x431 | 1 << 61)
            world.set(0x43000 + page * 8, 0x5555_5555_5555_5555)
          }
          // Page 8 has the tables cached, page 9 its vector as well if that is what changes.
          claim(world.linear(0x8010, .write).hpa != nil, "page 8")
          if changed == 0x43048 { claim(world.linear(0x9010, .write).hpa != nil, "page 9") }
          world.set(changed, 0)
          operation(&world.machine)
          let outcome = world.linear(0x9010, .write)
          claim((outcome.hpa != nil) == !drops, "\(name), \(hex(changed)): \(outcome.summary)")
        }
      }
    }
  }

  @Test(
    "of a large page cached in fragments: INVLPG, INVPCID, INVVPID and a page fault drop them all, a violation its own")
  func fragments() {
    Claims.table("fragments of large pages") {
      let fault: (inout Machine) -> Void = { _ = $0.access(linear: GuestLinearAddress(0x7010), .write, user: true) }
      for (name, drops, operation) in [
        ("nothing", false, { _ in }), ("INVLPG", true, { $0.invlpg(GuestLinearAddress(0x1f_f000)) }),
        ("INVLPG elsewhere", false, { $0.invlpg(GuestLinearAddress(0x20_0000)) }),
        ("INVPCID", true, { _ = $0.invpcid(type: 0, pcid: 0, linear: GuestLinearAddress(0x1f_f000)) }),
        ("INVVPID", true, { _ = $0.invvpid(type: 0, vpid: 5, linear: GuestLinearAddress(0x1f_f000)) }),
        ("a page fault", true, fault),
        ("a violation", false, { _ = $0.access(linear: GuestLinearAddress(0x7010), .write, user: false) }),
      ] as [(String, Bool, (inout Machine) -> Void)] {
        var world = WideningTests.world(.pte, .pde, vpid: 5)
        // The page's user-mode rights are taken away later, so that a fault comes from what is cached.
        let slot = GuestWorld.guestSlot(3)
        world.set(slot, 0xe3)
        world.set(GuestWorld.slot(7), world.get(GuestWorld.slot(7)) & ~2)
        claim(world.linear(0x5010, .write).hpa == GuestWorld.base + 0x5010, "one fragment")
        claim(world.linear(0x6010, .write).hpa == GuestWorld.base + 0x6010, "and another")
        world.set(slot, 0x20_00e3)
        operation(&world.machine)
        claim((world.linear(0x5010, .read).hpa != nil) == !drops, name)
        claim((world.linear(0x6010, .read).hpa != nil) == !drops, name)
      }
    }
  }
}
