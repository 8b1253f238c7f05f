import Addresses

/// Where a log's records go: the trace that is written, and what is learnt about the log on the way.
struct ImportSink {
  let writer: RecordingWriter
  /// What is known of the log so far.
  var log: RecordedLog
  /// Lines understood as records of the format.
  private(set) var records: UInt64 = 0
  /// Stores that are in the trace.
  private(set) var stores: UInt64 = 0
  /// Marks that the log names.
  private(set) var marks: [RecordingDescription.NamedMark] = []
  private var markIDs: [String: UInt64] = [:]
  private var lastMark: UInt64 = 0
  /// Stores left out because they are to devices or beyond memory.
  private(set) var devices: UInt64 = 0
  private let deviceWindows: [ClosedRange<UInt64>]
  private let end: UInt64
  private let numbersFrames: Bool
  private let isVirtual: Bool
  /// Below this a guest-physical address is plain RAM, and is taken as it is.
  private let plainEnd: UInt64
  private var frames = FirstTouchFrames()

  /// From here on guest-physical addresses need numbered frames.
  private let physicalLimit: UInt64

  init(
    _ writer: RecordingWriter, options: TextImport.Options, log: RecordedLog?, physicalLimit: UInt64,
    deviceWindows: [ClosedRange<UInt64>]
  ) {
    self.physicalLimit = physicalLimit
    self.writer = writer
    self.log = log ?? RecordedLog()
    self.deviceWindows = deviceWindows
    end = options.ramBytes ?? .max
    numbersFrames = options.numbersFrames
    isVirtual = options.addresses == .virtual
    plainEnd = numbersFrames ? 0 : deviceWindows.reduce(min(end, physicalLimit)) { min($0, $1.lowerBound) }
    for mark in writer.description.marks {
      markIDs[mark.name] = mark.id
      lastMark = max(lastMark, mark.id)
    }
  }

  /// A line was a record of the format, of a store or of something else.
  mutating func understood() { records &+= 1 }

  /// A store by guest-physical address.
  @inline(__always)
  mutating func physical(
    _ address: UInt64, _ size: UInt64, vcpu: Int, count: UInt64, gva: UInt64? = nil, rip: UInt64 = 0,
    value: (low: UInt64, high: UInt64)? = nil, rest: UInt64? = nil
  ) throws(WriterFlaw) {
    records &+= 1
    if address >= plainEnd {
      if isDevice(address) {
        devices &+= 1
        return
      }
      guard address < 1 << 52 else {
        throw .line("guest-physical address \(hex(address))", "an address of at most 52 bits")
      }
      if numbersFrames {
        stores &+= 1
        return try frames.store(address, size, vcpu: vcpu, count: count, rip: rip, value: value, into: writer)
      }
      guard address < physicalLimit else { throw isBeyond(address) }
    }
    stores &+= 1
    if size <= UInt64(Place.maximumSize) {
      try writer.append(
        vcpu: vcpu, count: count, gpa: address, gva: gva ?? address, size: Int(truncatingIfNeeded: size), rip: rip,
        value: value, rest: rest)
    } else {
      try Piece.each(of: address, size) { piece throws(WriterFlaw) in
        try writer.append(
          vcpu: vcpu, count: count, gpa: piece.address, gva: (gva ?? address) &+ (piece.address - address),
          size: piece.size, rip: rip, value: nil, rest: nil)
      }
    }
  }

  /// A store by linear address.
  @inline(__always)
  mutating func linear(
    _ address: UInt64, _ size: UInt64, vcpu: Int, count: UInt64, rip: UInt64 = 0,
    value: (low: UInt64, high: UInt64)? = nil
  ) throws(WriterFlaw) {
    records &+= 1
    stores &+= 1
    try frames.store(address, size, vcpu: vcpu, count: count, rip: rip, value: value, into: writer)
  }

  /// A store of addresses that may be either, as the options say.
  @inline(__always)
  mutating func store(_ address: UInt64, _ size: UInt64, vcpu: Int, count: UInt64, rip: UInt64 = 0) throws(WriterFlaw) {
    if isVirtual {
      try linear(address, size, vcpu: vcpu, count: count, rip: rip)
    } else {
      try physical(address, size, vcpu: vcpu, count: count, rip: rip)
    }
  }

  private func isBeyond(_ address: UInt64) -> WriterFlaw {
    .log(
      Flaw(
        found: "guest-physical address \(hex(address))",
        expected: "addresses below \(physicalLimit >> 30) GiB, or numbered frames"),
      kind: .beyondRuns,
      remedy: "number the frames with --number-frames, or leave out what is beyond RAM with --ram SIZE")
  }

  private func isDevice(_ address: UInt64) -> Bool {
    if address >= end { return true }
    for window in deviceWindows where window.contains(address) { return true }
    return false
  }

  /// A store that the log itself says is to a device.
  mutating func deviceStore() { devices &+= 1 }

  /// A store that a task made who was not chosen.
  mutating func leaveOutOtherTask() {
    records &+= 1
    log.otherTasksStores = (log.otherTasksStores ?? 0) + 1
  }

  /// The log lost events here; nil if it does not say how many.
  mutating func lost(_ events: UInt64?) {
    if let events {
      log.lostEvents = (log.lostEvents ?? 0).addingReportingOverflow(events).partialValue
    } else {
      log.unknownLosses = (log.unknownLosses ?? 0) + 1
    }
  }

  /// The most names of marks that a header is asked to hold.
  private static let markLimit = 10_000

  /// A mark of this name; none where the log has more names than a header should hold.
  mutating func mark(_ name: String, vcpu: Int, count: UInt64, rip: UInt64 = 0) throws(WriterFlaw) {
    records &+= 1
    let id: UInt64
    if let known = markIDs[name] {
      id = known
    } else {
      guard marks.count < Self.markLimit, lastMark < .max else { return }
      lastMark += 1
      id = lastMark
      markIDs[name] = id
      marks.append(.init(id: id, name: name))
    }
    try writer.append(.mark(.init(vcpu: vcpu, count: count, id: id, rip: GuestLinearAddress(rip))))
  }

  /// An event as the log holds it.
  mutating func event(_ event: RecordedEvent) throws(WriterFlaw) {
    records &+= 1
    try writer.append(event)
  }

  /// Loads or fetches by guest-physical page.
  mutating func accesses(_ accesses: RecordedAccesses) throws(WriterFlaw) {
    records &+= 1
    let address = accesses.page.rawValue << 12
    if address >= plainEnd, isDevice(address) { return }
    guard !numbersFrames, !isVirtual else {
      throw .line("a \(accesses.kind.rawValue)", "stores only where frames are numbered by first touch")
    }
    guard writer.keeps(accesses.kind) else {
      throw .line("a \(accesses.kind.rawValue)", "its column, which the first line names and --columns keeps")
    }
    try writer.append(accesses)
  }

  /// What the log turned out to be.
  func finished() -> RecordedLog {
    var log = log
    if devices > 0 { log.deviceStores = devices }
    return log
  }
}

/// A part of a store that is small enough for a record.
struct Piece {
  var address: UInt64
  var size: Int

  /// The most bytes of a line's store.
  static let maximumStore: UInt64 = 1 << 20

  static func each(
    of address: UInt64, _ size: UInt64, _ body: (Piece) throws(WriterFlaw) -> Void
  ) throws(WriterFlaw) {
    guard size >= 1, size <= maximumStore else {
      throw .record(Flaw(found: "size \(size)", expected: "1 to \(maximumStore) bytes"))
    }
    var address = address
    var left = size
    while left > 0 {
      let size = min(left, UInt64(Place.maximumSize))
      try body(Piece(address: address, size: Int(size)))
      address &+= size
      left -= size
    }
  }
}
