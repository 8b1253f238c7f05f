import Addresses

/// How events lie in their column: kind (u8), vCPU (u8), runs since the event before (varint), instructions since the last event
/// of this vCPU in the block (varint), then the fields, each as a difference to the same field of the last event of the kind.
struct EventCoding {
  /// The most bytes of one event: two, ten varints.
  static let maximumBytes = 2 + 2 * 10 + 10 * 10

  private enum Kind {
    static let hypercall: UInt8 = 1
    static let cr3: UInt8 = 2
    static let map: UInt8 = 3
    static let mark: UInt8 = 4
    /// A map event with the entries above the leaf.
    static let mapWithTables: UInt8 = 5
    // Since version 2.
    static let halt: UInt8 = 6
    static let control: UInt8 = 7
  }

  private var run = 0
  private var clocks: [UInt64]
  private var hypercall = RecordedEvent.Hypercall(
    vcpu: 0, count: 0, number: 0, arguments: .init(), rip: GuestLinearAddress(0), ripAddress: GuestPhysicalAddress(0),
    rflags: 0, cpl: 0, cr3: 0)
  private var cr3: UInt64 = 0
  private var mapping = RecordedEvent.LinearMapping(
    vcpu: 0, count: 0, cr3: 0, linear: GuestLinearAddress(0), pageShift: 0, entry: 0)
  private var tables = RecordedEvent.TableEntries(pml4e: 0, pdpte: 0, pde: 0)
  private var mark = RecordedEvent.Mark(vcpu: 0, count: 0, id: 0, rip: GuestLinearAddress(0))
  private var control: UInt64 = 0
  private let lastKind: UInt8

  /// A coding that begins at these clocks, of the kinds that a version of the format has.
  init(clocks: [UInt64], version: UInt32 = RecordingFormat.versions.upperBound) {
    self.clocks = clocks
    lastKind = version == 1 ? Kind.mapWithTables : Kind.control
  }

  mutating func encode(_ placed: PlacedEvent, into writer: inout ByteWriter) {
    let event = placed.event
    switch event {
    case .hypercall: writer.append(Kind.hypercall)
    case .cr3: writer.append(Kind.cr3)
    case .map(let mapping): writer.append(mapping.tables == nil ? Kind.map : Kind.mapWithTables)
    case .mark: writer.append(Kind.mark)
    case .halt: writer.append(Kind.halt)
    case .control: writer.append(Kind.control)
    }
    writer.append(UInt8(truncatingIfNeeded: event.vcpu))
    writer.appendVarint(UInt64(placed.run - run))
    writer.appendVarint(event.count - clocks[event.vcpu])
    run = placed.run
    clocks[event.vcpu] = event.count
    switch event {
    case .hypercall(let call):
      let old = hypercall
      writer.appendZigzag(call.number &- old.number)
      writer.appendZigzag(call.arguments.rdi &- old.arguments.rdi)
      writer.appendZigzag(call.arguments.rsi &- old.arguments.rsi)
      writer.appendZigzag(call.arguments.rdx &- old.arguments.rdx)
      writer.appendZigzag(call.arguments.r10 &- old.arguments.r10)
      writer.appendZigzag(call.rip.rawValue &- old.rip.rawValue)
      writer.appendZigzag(call.ripAddress.rawValue &- old.ripAddress.rawValue)
      writer.appendZigzag(call.rflags &- old.rflags)
      writer.appendZigzag(UInt64(truncatingIfNeeded: call.cpl - old.cpl))
      writer.appendZigzag(call.cr3 &- old.cr3)
      hypercall = call
    case .cr3(let load):
      writer.appendZigzag(load.value &- cr3)
      cr3 = load.value
    case .map(let new):
      writer.appendZigzag(new.cr3 &- mapping.cr3)
      writer.appendZigzag(new.linear.rawValue &- mapping.linear.rawValue)
      writer.appendVarint(UInt64(new.pageShift))
      writer.appendZigzag(new.entry &- mapping.entry)
      if let new = new.tables {
        writer.appendZigzag(new.pml4e &- tables.pml4e)
        writer.appendZigzag(new.pdpte &- tables.pdpte)
        writer.appendZigzag(new.pde &- tables.pde)
        tables = new
      }
      mapping = new
    case .mark(let new):
      writer.appendZigzag(new.id &- mark.id)
      writer.appendZigzag(new.rip.rawValue &- mark.rip.rawValue)
      mark = new
    case .halt: break
    case .control(let new):
      writer.append(new.register.code)
      writer.appendZigzag(new.value &- control)
      control = new.value
    }
  }

  /// The next event, or what is wrong with it.
  mutating func decode(_ reader: inout ByteReader, runs: Int) -> Result<PlacedEvent, Flaw> {
    guard let kind = reader.next(UInt8.self), let vcpu = reader.next(UInt8.self).map(Int.init),
      let skipped = reader.nextVarint(), let elapsed = reader.nextVarint()
    else { return .failure(Flaw(found: "the end of the column", expected: "an event")) }
    guard vcpu < clocks.count else {
      return .failure(Flaw(found: "an event of vCPU \(vcpu)", expected: "a vCPU below \(clocks.count)"))
    }
    guard skipped <= UInt64(runs - run) else {
      return .failure(Flaw(found: "an event \(skipped) runs after run \(run)", expected: "a place within \(runs) runs"))
    }
    guard elapsed < RecordingFormat.maximumCount, clocks[vcpu] + elapsed < RecordingFormat.maximumCount else {
      return .failure(Flaw(found: "\(elapsed) instructions between events", expected: "a count below 2^62"))
    }
    run += Int(skipped)
    clocks[vcpu] += elapsed
    let count = clocks[vcpu]
    let event: RecordedEvent? =
      switch kind {
      case Kind.hypercall: nextHypercall(&reader, vcpu, count)
      case Kind.cr3: nextLoad(&reader, vcpu, count)
      case Kind.map: nextMapping(&reader, vcpu, count)
      case Kind.mapWithTables: nextMappingWithTables(&reader, vcpu, count)
      case Kind.mark: nextMark(&reader, vcpu, count)
      case Kind.halt where kind <= lastKind: .halt(RecordedEvent.Halt(vcpu: vcpu, count: count))
      case Kind.control where kind <= lastKind: nextControl(&reader, vcpu, count)
      default: nil
      }
    guard let event else {
      return .failure(
        Flaw(found: "an event of kind \(kind) with a field missing or out of range", expected: "kind 1 to \(lastKind)"))
    }
    return .success(PlacedEvent(run: run, event: event))
  }

  private mutating func nextHypercall(_ reader: inout ByteReader, _ vcpu: Int, _ count: UInt64) -> RecordedEvent? {
    guard let number = reader.nextZigzag(), let rdi = reader.nextZigzag(), let rsi = reader.nextZigzag(),
      let rdx = reader.nextZigzag(), let r10 = reader.nextZigzag(), let rip = reader.nextZigzag(),
      let ripAddress = reader.nextZigzag(), let rflags = reader.nextZigzag(), let cpl = reader.nextZigzag(),
      let cr3 = reader.nextZigzag()
    else { return nil }
    let old = hypercall
    let privilege = UInt64(old.cpl) &+ cpl
    guard privilege <= 3 else { return nil }
    hypercall = RecordedEvent.Hypercall(
      vcpu: vcpu, count: count, number: old.number &+ number,
      arguments: RecordedEvent.Arguments(
        rdi: old.arguments.rdi &+ rdi, rsi: old.arguments.rsi &+ rsi, rdx: old.arguments.rdx &+ rdx,
        r10: old.arguments.r10 &+ r10),
      rip: GuestLinearAddress(old.rip.rawValue &+ rip),
      ripAddress: GuestPhysicalAddress(old.ripAddress.rawValue &+ ripAddress), rflags: old.rflags &+ rflags,
      cpl: Int(privilege), cr3: old.cr3 &+ cr3)
    return .hypercall(hypercall)
  }

  private mutating func nextLoad(_ reader: inout ByteReader, _ vcpu: Int, _ count: UInt64) -> RecordedEvent? {
    guard let value = reader.nextZigzag() else { return nil }
    cr3 &+= value
    return .cr3(RecordedEvent.CR3Load(vcpu: vcpu, count: count, value: cr3))
  }

  private mutating func nextMapping(_ reader: inout ByteReader, _ vcpu: Int, _ count: UInt64) -> RecordedEvent? {
    guard let cr3 = reader.nextZigzag(), let linear = reader.nextZigzag(), let shift = reader.nextVarint(),
      let entry = reader.nextZigzag(), shift == 12 || shift == 21 || shift == 30
    else { return nil }
    mapping = RecordedEvent.LinearMapping(
      vcpu: vcpu, count: count, cr3: mapping.cr3 &+ cr3,
      linear: GuestLinearAddress(mapping.linear.rawValue &+ linear), pageShift: Int(shift),
      entry: mapping.entry &+ entry)
    return .map(mapping)
  }

  private mutating func nextMappingWithTables(_ reader: inout ByteReader, _ vcpu: Int, _ count: UInt64)
    -> RecordedEvent?
  {
    guard nextMapping(&reader, vcpu, count) != nil, let pml4e = reader.nextZigzag(), let pdpte = reader.nextZigzag(),
      let pde = reader.nextZigzag()
    else { return nil }
    tables = RecordedEvent.TableEntries(
      pml4e: tables.pml4e &+ pml4e, pdpte: tables.pdpte &+ pdpte, pde: tables.pde &+ pde)
    mapping.tables = tables
    return .map(mapping)
  }

  private mutating func nextMark(_ reader: inout ByteReader, _ vcpu: Int, _ count: UInt64) -> RecordedEvent? {
    guard let id = reader.nextZigzag(), let rip = reader.nextZigzag() else { return nil }
    mark = RecordedEvent.Mark(
      vcpu: vcpu, count: count, id: mark.id &+ id, rip: GuestLinearAddress(mark.rip.rawValue &+ rip))
    return .mark(mark)
  }

  private mutating func nextControl(_ reader: inout ByteReader, _ vcpu: Int, _ count: UInt64) -> RecordedEvent? {
    guard let code = reader.next(UInt8.self), let register = RecordedEvent.ControlRegister(code: code),
      let value = reader.nextZigzag()
    else { return nil }
    control &+= value
    return .control(RecordedEvent.ControlChange(vcpu: vcpu, count: count, register: register, value: control))
  }
}
