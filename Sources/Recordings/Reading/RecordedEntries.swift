import Addresses

/// One record of a trace, as the guest made it: a store that crosses a page is whole again.
public enum RecordedEntry: Hashable, Sendable {
  /// A store.
  case write(RecordedWrite)
  /// Loads or fetches from one page.
  case accesses(RecordedAccesses)
  /// Anything else.
  case event(RecordedEvent)
}

/// A store with everything its trace knows of it.
public struct RecordedWrite: Hashable, Sendable {
  /// The vCPU, counted from 0.
  public var vcpu: Int
  /// Instructions retired by this vCPU; of a trace without steps, at the first store of the run.
  public var count: UInt64
  /// The guest-physical address of the first byte.
  public var gpa: GuestPhysicalAddress
  /// Bytes, 1...64.
  public var size: Int
  /// The linear address of the first byte, in a trace with linear pages.
  public var gva: GuestLinearAddress?
  /// The storing instruction, in a trace with instruction pointers.
  public var rip: GuestLinearAddress?
  /// The bytes stored, little endian, where a trace with values knows them.
  public var value: StoredValue?
  /// The guest page of the part behind a page end, where that is not the page after the first.
  public var rest: GuestPageNumber?

  /// A store from its fields.
  public init(
    vcpu: Int, count: UInt64, gpa: GuestPhysicalAddress, size: Int, gva: GuestLinearAddress? = nil,
    rip: GuestLinearAddress? = nil, value: StoredValue? = nil, rest: GuestPageNumber? = nil
  ) {
    self.vcpu = vcpu
    self.count = count
    self.gpa = gpa
    self.size = size
    self.gva = gva
    self.rip = rip
    self.value = value
    self.rest = rest
  }
}

extension RecordingReader {
  /// Hands every record to the body in the order of execution, from the given block on, until it answers false.
  ///
  /// For tools that look at single records. A replay reads runs.
  public func forEachRecord(
    from firstBlock: Int = 0, _ body: (RecordedEntry) throws -> Bool
  ) throws {
    let block = RecordingBlock()
    let known = KnownDetails(header.columnSet)
    for number in blocks.indices.dropFirst(firstBlock) {
      try read(block: number, columns: header.columnSet, into: block)
      let (runs, events) = (block.runs, block.events)
      var nextEvent = 0
      var pending: RecordedWrite?
      var others = AccessCursor(block, hasLinear: known.linear)
      /// Whether anything stands before a run, behind as many events as have passed.
      func isPreceded(_ run: Int) -> Bool {
        nextEvent < events.count && events[nextEvent].run == run || others.place <= run + nextEvent
      }
      func precede(_ run: Int) throws -> Bool {
        while nextEvent < events.count, events[nextEvent].run == run {
          while let next = others.next(upTo: run + nextEvent) { if try !body(.accesses(next)) { return false } }
          nextEvent += 1
          if try !body(.event(events[nextEvent - 1].event)) { return false }
        }
        while let next = others.next(upTo: run + nextEvent) { if try !body(.accesses(next)) { return false } }
        return true
      }
      for run in runs.indices {
        if let write = pending, !runs[run].isContinuation {
          pending = nil
          if try !body(.write(write)) { return }
        }
        if isPreceded(run), try !precede(run) { return }
        let accesses = try block.accesses(ofRun: run)
        if runs[run].isContinuation, var write = pending {
          write.extend(by: block.write(accesses, 0, known), on: runs[run].page)
          pending = nil
          if try !body(.write(write)) { return }
          continue
        }
        // Only the last store of a run can be continued by the next.
        let isContinued = run + 1 < runs.count && runs[run + 1].isContinuation
        var count = block.clocks[run]
        for index in accesses.indices {
          if index > 0, known.steps { count &+= block.step(accesses.first - run + index - 1) }
          var write = block.write(accesses, index, known)
          write.count = count
          if isContinued, index == accesses.count - 1 {
            pending = write
          } else if try !body(.write(write)) {
            return
          }
        }
      }
      if let write = pending, try !body(.write(write)) { return }
      if try !precede(runs.count) { return }
    }
  }
}

/// Which columns a store's details are in.
private struct KnownDetails {
  let linear: Bool
  let pointers: Bool
  let values: Bool
  let steps: Bool

  init(_ columns: RecordingColumns) {
    linear = columns.contains(.linearPages)
    pointers = columns.contains(.instructionPointers)
    values = columns.contains(.values)
    steps = columns.contains(.steps)
  }
}

/// The loads and fetches of a block, both in the order of their places; at one place fetches first.
struct AccessCursor {
  private let block: RecordingBlock
  private let hasLinear: Bool
  private var load = 0
  private var fetch = 0

  init(_ block: RecordingBlock, hasLinear: Bool) {
    self.block = block
    self.hasLinear = hasLinear
  }

  /// Behind how many runs and events the next ones stand; greatest where there are none.
  var place: Int { min(fetchPlace, loadPlace) }
  private var fetchPlace: Int { fetch < block.fetches.count ? block.fetches[fetch].place : .max }
  private var loadPlace: Int { load < block.loads.count ? block.loads[load].place : .max }

  /// The next ones, if they stand behind at most so many runs and events.
  mutating func next(upTo place: Int) -> RecordedAccesses? {
    guard self.place <= place, self.place < .max else { return nil }
    if fetchPlace <= loadPlace {
      fetch += 1
      return accesses(.fetch, block.fetches[fetch - 1])
    }
    load += 1
    return accesses(.load, block.loads[load - 1])
  }

  private func accesses(_ kind: RecordedAccesses.Kind, _ entry: AccessRun) -> RecordedAccesses {
    RecordedAccesses(
      kind: kind, vcpu: entry.run.vcpu, count: entry.count, page: entry.run.page,
      linearPage: hasLinear ? entry.linearPage : nil, accesses: entry.run.accesses)
  }
}

extension RecordedWrite {
  /// Puts the part behind the page end back on.
  fileprivate mutating func extend(by second: RecordedWrite, on page: GuestPageNumber) {
    if page.rawValue != gpa.page.rawValue &+ 1 { rest = page }
    if let first = value, let more = second.value { value = first.union(more, shiftedBy: size) }
    size += second.size
  }
}

extension RecordingBlock {
  /// Access `index` of a run as a store, with what the trace knows; counted as the first of its run.
  fileprivate func write(_ accesses: RunAccesses, _ index: Int, _ known: KnownDetails) -> RecordedWrite {
    let place = accesses[index]
    return RecordedWrite(
      vcpu: runs[accesses.run].vcpu,
      count: clocks[accesses.run], gpa: accesses.address(index), size: place.size,
      gva: known.linear
        ? GuestLinearAddress(linearPages[accesses.run] << 12 | UInt64(place.offset)) : nil,
      rip: known.pointers ? accesses.instructionPointer(index) : nil,
      value: known.values ? accesses.value(index).map { StoredValue(low: $0.low, high: $0.high) } : nil)
  }
}

extension RecordingWriter {
  /// Writes a record, as another trace or an import gave it.
  ///
  /// A store without a linear address is kept as if linear memory were physical memory.
  public func append(_ record: RecordedEntry) throws(RecordingError) {
    switch record {
    case .event(let event): try self.event(event)
    case .accesses(let accesses): try self.accesses(accesses)
    case .write(let write):
      try self.write(
        vcpu: write.vcpu, count: write.count, gpa: write.gpa,
        gva: write.gva ?? GuestLinearAddress(write.gpa.rawValue), size: write.size,
        rip: write.rip ?? GuestLinearAddress(0), value: write.value.map { ($0.low, $0.high) }, rest: write.rest)
    }
  }
}
