import SeededRandom

/// Writes the lines of one scenario.
struct ScriptWriter {
  var random: SplitMix64
  /// The processor that is to answer.
  let processor: Processor
  private(set) var lines: [String] = []
  /// Entries written by `set`, as they stand now.
  private(set) var memory: [UInt64: UInt64] = [:]

  init(seed: UInt64, _ processor: Processor) {
    self.processor = processor
    // Seeds of neighbouring scenarios differ by one only.
    random = SplitMix64(seed: seed &* 0x2545_f491_4f6c_dd1d &+ 1)
  }

  mutating func line(_ text: String) { lines.append(text) }

  /// Writes a word of memory.
  mutating func set(_ address: UInt64, _ value: UInt64) {
    memory[address] = value
    line("w64 \(hex(address)) \(hex(value))")
  }
}

extension ScriptWriter {
  /// Host-physical places that every scenario uses alike. Tables lie below, what guests are given from 2 MiB on.
  enum Place {
    static let log: UInt64 = 0x50000
    static let information: UInt64 = 0x51000
    static let list: UInt64 = 0x52000
    static let subPageRoot: UInt64 = 0x54000
    static let firstFrame: UInt64 = 0x20_0000
    static let frames: UInt64 = 0x400_0000
    /// Where the image's code is, for a guest that has no other way to it than the script's EPT; and from where it is executed.
    static let image: UInt64 = 0xa00_0000
    static let imageGPA: UInt64 = 0xffe0_0000
  }

  /// Controls of a scenario.
  struct Controls {
    var spp = false
    var exceptions = false
    var log = false
    var functions = true
    var switching = true
  }

  /// Registers of a scenario.
  struct Registers {
    var paging = true
    var deliveringEvent = false
    var writeProtect = true
    var smep = false
    var smap = false
    var alignmentCheck = false
    var noExecute = true
    var cr3: UInt64 = 0
  }

  /// Opens the scenario: clears memory and sets everything, as far as the processor has it.
  mutating func begin(_ controls: Controls = Controls(), _ registers: Registers = Registers(), eptp: UInt64) {
    line("zero")
    line(processor.capabilities)
    // Bochs sets the guest's flags before it looks at the final address, and reports a read-modify-write as a write only: the manual
    // allows either.
    line("policy guestad=before rmwread=0 cache=none")
    line(
      "ctl ept=1 mbec=0 spp=\((controls.spp && processor == .tigerlake).digit) ve=\((controls.exceptions && processor.isModern).digit)"
        + " pml=\((controls.log && processor.isModern).digit) vmfunc=\((controls.functions && processor.isModern).digit)"
        + " vmfctl=\((controls.switching && processor.isModern).digit) vpid=0 pw=0 gpv=0")
    set(registers)
    line("pml \(hex(Place.log)) 1ff")
    line("veinfo \(hex(Place.information)) 0")
    line("eptplist \(hex(Place.list))")
    line("spptp \(hex(Place.subPageRoot))")
    line("eptp \(hex(processor.isModern ? eptp : eptp & ~0x40))")
  }

  mutating func set(_ registers: Registers) {
    line(
      "reg pe=1 pg=\(registers.paging.digit) wp=\(registers.writeProtect.digit) smep=\((registers.smep && processor.isModern).digit)"
        + " smap=\((registers.smap && processor.isModern).digit)"
        + " ac=\(registers.alignmentCheck.digit) nxe=\(registers.noExecute.digit) inevent=\(registers.deliveringEvent.digit) nmi=0"
        + " cr3=0x\(hex(registers.cr3))")
  }

  /// A 4-KiB frame that a guest may be given.
  mutating func frame() -> UInt64 { Place.firstFrame + random.below((Place.frames - Place.firstFrame) >> 12) << 12 }
  /// A 2-MiB frame that a guest may be given.
  mutating func largeFrame() -> UInt64 { (1 + random.below(31)) << 21 }

  /// Before some queries: a new log index, a free information area.
  mutating func refresh(_ controls: Controls) {
    if controls.log && random.oneIn(3) { line("pml \(hex(Place.log)) \(hex(random.pick([0x1ff, 0x1ff, 5, 0])))") }
    if controls.exceptions && !random.oneIn(4) { set(Place.information, 0) }
  }
}

extension SplitMix64 {
  /// True once in `n`.
  mutating func oneIn(_ n: UInt64) -> Bool { next() % n == 0 }
  /// A number less than `limit`.
  mutating func below(_ limit: UInt64) -> UInt64 { next() % limit }
  /// One of the elements.
  mutating func pick<T>(_ elements: [T]) -> T { elements[Int(next() % UInt64(elements.count))] }
}

extension Bool {
  var digit: Int { self ? 1 : 0 }
}

/// A number as the protocol writes it, without prefix.
func hex(_ value: UInt64) -> String { String(value, radix: 16) }
