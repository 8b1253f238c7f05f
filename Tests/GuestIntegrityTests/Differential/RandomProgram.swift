import Addresses
import GuestIntegrity
import ScriptedGuest
import SeededRandom

/// A random program of several virtual processors, executed by the scripted machine and by the reference, one step at a time.
struct RandomProgram {
  let machine: GuestMachine
  var reference: ReferenceMachine
  var random: SplitMix64
  /// How often each kind of step was made, and each result met.
  var tally: [String: Int] = [:]
  /// Two table sets: the processor itself stops foreign code in integrity mode.
  private let hasTwoSets: Bool

  static let vcpus = 3

  init(_ mechanism: Mechanism, seed: UInt64) throws {
    machine = try GuestMachine.armed(mechanism, vcpus: Self.vcpus)
    random = SplitMix64(seed: seed)
    hasTwoSets = mechanism.switching.usesTwoSets
    let kernel = machine.registers(of: 0).cr3
    let data = GuestLayout.data
    reference = ReferenceMachine(
      code: Self.pages(GuestLayout.code), data: Self.pages(data), nodes: Self.pages(GuestLayout.nodes),
      driverCR3: (data.first.rawValue + 1) << 12,
      words: (0..<GuestLayout.ramBytes / 8).map { [machine] in machine.word(at: GuestPhysicalAddress($0 * 8)) },
      processors: Array(repeating: .init(cr3: kernel, outerCR3: kernel), count: Self.vcpus))
    for (range, region) in [
      (GuestLayout.text, 1), (GuestLayout.rodata, 2), (GuestLayout.syscalls, 3), (GuestLayout.interruptTable, 4),
    ] as [(PageRange, UInt64)] {
      for page in Self.pages(range) { reference.claims[page, default: [:]][region] = 7 }
    }
  }

  private static func pages(_ range: PageRange) -> Range<UInt64> { range.first.rawValue..<range.last.rawValue + 1 }

  // MARK: What both are to do

  /// Who executes an instruction.
  private enum Actor { case kernel, malware, user, driver }

  private mutating func origin(_ vcpu: Int) -> ReferenceMachine.Origin {
    let isInside = reference.processors[vcpu].isInside
    // Integrity mode is seldom given away, so that something happens in it.
    let actor: Actor =
      isInside && !random.next().isMultiple(of: 40)
      ? .driver : [Actor.kernel, .kernel, .malware, .malware, .user, .driver][Int(random.below(6))]
    let rip: GuestLinearAddress =
      switch actor {
      case .kernel: GuestLayout.kernelBody
      case .malware: GuestLayout.malwareBody
      case .user: GuestLayout.userBody
      case .driver: GuestLayout.driverBody
      }
    machine.setRegisters(of: vcpu) {
      $0.rip = rip
      $0.cpl = actor == .user ? 3 : 0
    }
    return .init(rip: rip.rawValue, user: actor == .user, isFetchChecked: hasTwoSets)
  }

  /// A page that something may happen to.
  private mutating func page() -> UInt64 {
    switch random.below(16) {
    case 0...4: GuestLayout.text.first.rawValue + random.below(0x240)
    case 5, 6: GuestLayout.malware.first.rawValue + random.below(16)
    case 7: GuestLayout.rodata.first.rawValue + random.below(20)
    case 8: GuestLayout.code.first.rawValue
    case 9: GuestLayout.data.first.rawValue + 8 + random.below(2)
    case 10: GuestLayout.nodes.first.rawValue + random.below(64)
    case 11: GuestLayout.user.first.rawValue
    case 12: [0x7ff, 0x811, 0x850, 0xfff, 0x1200, 0x1211, 0x1240, 0x3ffe][Int(random.below(8))]
    default: GuestLayout.kernelData.first.rawValue + 8 + random.below(8)
    }
  }

  /// A place in a page, by one of the ways that the guest has mapped it; the driver's nodes are not its to write here.
  private mutating func linear(on vcpu: Int, word: Bool) -> UInt64 {
    var page = page()
    while reference.processors[vcpu].isInside && reference.nodes.contains(page) { page = self.page() }
    let offset = word ? random.below(512) * 8 : random.below(4096)
    switch random.below(12) {
    case 0: return GuestLayout.kernelMap + page << 12 | offset
    case 1, 2: return scratch(1 + random.below(15)) | random.below(512) * 8
    case 3: return GuestLayout.userMap | random.below(512) * 8
    case 4: return random.below(64) == 0 ? 0x8000_0000_0000 | offset & ~7 : GuestLayout.directMap + page << 12 | offset
    default: return GuestLayout.directMap + page << 12 | offset
    }
  }

  /// What the driver has written to a page of its tree is not foretold; before somebody looks at it there, the reference is told.
  private mutating func readTree(_ page: UInt64) {
    guard reference.nodes.contains(page) else { return }
    for word in page * 512..<(page + 1) * 512 {
      reference.words[Int(word)] = machine.word(at: GuestPhysicalAddress(word * 8))
    }
  }

  private mutating func readTree(at linear: UInt64, _ count: Int, _ vcpu: Int) {
    for byte in Set([linear, linear &+ UInt64(count - 1)]) {
      if case .at(let address) = reference.translate(byte, .read, user: false, on: vcpu) { readTree(address / 4096) }
    }
  }

  /// Pages that malware maps as it likes.
  private func scratch(_ index: UInt64) -> UInt64 { GuestLayout.malwareMap + index << 12 }

  // MARK: Steps

  /// Makes one step on both; the complaint, if they differ.
  mutating func step() -> String? {
    let vcpu = Int(random.below(UInt64(Self.vcpus)))
    let isInside = reference.processors[vcpu].isInside
    reference.alerts = []
    switch random.below(32) {
    case 0, 1: return isInside ? cross(vcpu, GuestLayout.exit) : cross(vcpu, GuestLayout.entry)
    case 2: return cross(vcpu, [GuestLayout.entry, GuestLayout.exit, GuestLayout.driverBody][Int(random.below(3))])
    case 3, 4: return change(vcpu)
    case 5: return query(vcpu)
    case 6: return remap(vcpu)
    case 7: return external(vcpu)
    case 8: return other(vcpu)
    case 9...12:
      let origin = origin(vcpu)
      let linear = linear(on: vcpu, word: true)
      readTree(at: linear, 8, vcpu)
      let expected = reference.load(linear, origin, on: vcpu)
      return compare("load \(hex(linear))", vcpu, machine.load(GuestLinearAddress(linear), on: vcpu), expected)
    case 13:
      let origin = origin(vcpu)
      let (linear, addend) = (linear(on: vcpu, word: true), random.next())
      readTree(at: linear, 8, vcpu)
      let expected = reference.add(addend, to: linear, origin, on: vcpu)
      return compare(
        "add to \(hex(linear))", vcpu, machine.add(addend, to: GuestLinearAddress(linear), on: vcpu), expected)
    default: return store(vcpu)
    }
  }

  private mutating func store(_ vcpu: Int) -> String? {
    let origin = origin(vcpu)
    let isWord = random.below(4) != 0
    let linear = linear(on: vcpu, word: isWord)
    var count = isWord ? 8 : 1 + Int(random.below(64))
    // Only neighbours in the direct map are mapped alike.
    if linear < GuestLayout.directMap || linear >= GuestLayout.kernelMap || reference.processors[vcpu].isInside {
      count = min(count, 4096 - Int(linear % 4096))
    }
    let bytes = (0..<count).map { _ in UInt8(random.below(256)) }
    readTree(at: linear, count, vcpu)
    let expected = reference.store(bytes, at: linear, origin, on: vcpu)
    return compare(
      "store of \(count) bytes at \(hex(linear))", vcpu,
      machine.store(bytes: bytes, at: GuestLinearAddress(linear), on: vcpu), expected)
  }

  /// GI_ENTER and GI_EXIT, in place and out of place.
  private mutating func cross(_ vcpu: Int, _ rip: GuestLinearAddress) -> String? {
    let number: HypercallNumber = random.below(12) == 0 ? .exit : rip == GuestLayout.exit ? .exit : .enter
    let isOpen = random.below(12) == 0
    let stack = GuestLayout.kernelMap + GuestLayout.kernelData.first.address.rawValue + UInt64(vcpu + 1) << 12
    if !reference.processors[vcpu].isInside { machine.setRegisters(of: vcpu) { $0.rsp = stack } }
    machine.setRegisters(of: vcpu) {
      $0.rip = rip
      $0.cpl = 0
      $0.interruptsEnabled = isOpen
    }
    let expected = reference.hypercall(
      .init(number: number, interruptsEnabled: isOpen), .init(rip: rip.rawValue, isFetchChecked: hasTwoSets), on: vcpu,
      entry: GuestLayout.entry.rawValue, exit: GuestLayout.exit.rawValue)
    return compare("\(number) at \(hex(rip.rawValue))", vcpu, machine.hypercall(number, on: vcpu), expected)
  }

  private mutating func change(_ vcpu: Int) -> String? {
    let numbers: [HypercallNumber] = [.protect, .protect, .unprotect, .setAction, .shutdown, .initialise]
    var call = ReferenceMachine.Call(number: numbers[Int(random.below(random.below(20) == 0 ? 6 : 4))])
    call.rdi = page()
    call.rsi = random.below(4) == 0 ? random.below(300) : 1 + random.below(8)
    let (pages, counts): ([UInt64], [UInt64]) = ([0, 0x3ff8, 0x4000, 1 << 52 - 1, ~0], [0, ~0, 1 << 40])
    if random.below(16) == 0 { call.rdi = pages[Int(random.below(5))] }
    if random.below(30) == 0 { call.rsi = counts[Int(random.below(3))] }
    // Actions that leave the machine running, and now and then bits that there are not.
    call.rdx = random.below(64) & ~32 | (random.below(8) == 0 ? 0x100 : 0)
    if random.below(40) == 0 { call.rdx |= 1 << (9 + random.below(55)) }
    call.r10 = random.below(5)
    if random.below(40) == 0 { call.r10 |= 1 << (16 + random.below(48)) }
    let origin = origin(vcpu)
    let expected = reference.hypercall(
      call, origin, on: vcpu, entry: GuestLayout.entry.rawValue, exit: GuestLayout.exit.rawValue)
    let made = machine.hypercall(call.number, call.rdi, call.rsi, call.rdx, call.r10, on: vcpu)
    return compare(
      "\(call.number) of \(hex(call.rsi)) pages from \(hex(call.rdi)), actions \(hex(call.rdx)), region \(hex(call.r10))",
      vcpu, made, expected)
  }

  private mutating func query(_ vcpu: Int) -> String? {
    let origin = origin(vcpu)
    let odd: [UInt64] = [0x3fff, 0x4000, 1 << 62, 1 << 63 | 0xffff]
    let page = random.below(16) == 0 ? odd[Int(random.below(4))] : page()
    let expected = reference.hypercall(
      .init(number: .query, rdi: page), origin, on: vcpu, entry: GuestLayout.entry.rawValue,
      exit: GuestLayout.exit.rawValue)
    return compare("query of \(hex(page))", vcpu, machine.hypercall(.query, page, on: vcpu), expected)
  }

  /// Malware maps one of its pages elsewhere, and has every processor drop what it knew.
  private mutating func remap(_ vcpu: Int) -> String? {
    guard !reference.processors[vcpu].isInside else { return nil }
    let index = 1 + random.below(15)
    let entry = machine.entryAddress(
      for: GuestLinearAddress(scratch(index)), level: 1, cr3: reference.processors[vcpu].cr3)
    var value = page() << 12 | 0x61
    if random.below(3) != 0 { value |= 2 }
    if random.below(4) == 0 { value |= 4 }
    if random.below(4) == 0 { value |= 1 << 63 }
    if random.below(12) == 0 { value &= ~1 }
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    machine.setRegisters(of: vcpu) { ($0.rip, $0.cpl) = (GuestLayout.malwareBody, 0) }
    let origin = ReferenceMachine.Origin(rip: GuestLayout.malwareBody.rawValue, isFetchChecked: hasTwoSets)
    let linear = GuestLayout.direct(entry)
    let expected = reference.store(bytes, at: linear.rawValue, origin, on: vcpu)
    if let complaint = compare(
      "new entry \(hex(value)) of \(hex(scratch(index)))", vcpu, machine.store(bytes: bytes, at: linear, on: vcpu),
      expected)
    {
      return complaint
    }
    for other in 0..<Self.vcpus where !reference.processors[other].isInside {
      machine.setRegisters(of: other) { ($0.rip, $0.cpl) = (GuestLayout.kernelBody, 0) }
      if random.below(4) == 0 {
        machine.loadCR3(reference.processors[other].cr3, on: other)
      } else {
        machine.invalidatePage(GuestLinearAddress(scratch(index)), on: other)
      }
    }
    return nil
  }

  /// What does not come from the guest's instructions: pages that move, devices that store, interrupts that nothing holds back.
  private mutating func external(_ vcpu: Int) -> String? {
    switch random.below(4) {
    case 0, 1:
      let number = page()
      tally["moves", default: 0] += (try? machine.hypervisor.move(GuestPageNumber(number), on: vcpu)) == nil ? 0 : 1
      return compare("move of \(hex(number))", vcpu, .done, .done)
    case 2:
      var (page, count) = (page(), 1 + random.below(64))
      if page == 0x3fff { page = 0x3ffe }
      let address = page << 12 | random.below(4096)
      if address % 4096 + count > 4096 && random.below(2) == 0 { count = 4096 - address % 4096 }
      let bytes = (0..<count).map { _ in UInt8(random.below(256)) }
      let crosses = address % 4096 + count > 4096
      readTree(page)
      readTree(page + 1)
      let expected = reference.store(
        bytes, at: address, and: crosses ? (page + 1) << 12 : nil, on: nil, poster: vcpu)
      let isMade = machine.deviceStore(bytes, at: GuestPhysicalAddress(address), for: vcpu)
      return compare(
        "device's store of \(count) bytes at \(hex(address))", vcpu, isMade ? .done : .blocked,
        expected == .done ? .done : .blocked)
    default:
      // Its frame goes to the stack, which is not to be watched.
      let stack = GuestLayout.kernelData.first.rawValue
      guard reference.processors[vcpu].isInside, (0..<8).allSatisfy({ reference.claims[stack + $0] == nil }) else {
        return nil
      }
      reference.fault(.nonMaskableInterrupt, on: vcpu)
      machine.nonMaskableInterrupt(on: vcpu)
      return compare("NMI", vcpu, .done, .done)
    }
  }

  private mutating func other(_ vcpu: Int) -> String? {
    let origin = origin(vcpu)
    switch random.below(4) {
    case 0:
      let expected = reference.vmfunc(origin, on: vcpu)
      return compare("VMFUNC", vcpu, machine.vmfunc(UInt32(random.below(3)), on: vcpu), expected)
    case 1 where !origin.user && random.below(4) == 0:
      let expected = reference.loadCR3(origin, on: vcpu)
      let value = reference.processors[vcpu].outerCR3
      return compare("MOV to CR3", vcpu, machine.loadCR3(value, on: vcpu), expected)
    default:
      let expected = reference.noOperation(origin, on: vcpu)
      return compare("no operation at \(hex(origin.rip))", vcpu, machine.noOperation(on: vcpu), expected)
    }
  }
}
