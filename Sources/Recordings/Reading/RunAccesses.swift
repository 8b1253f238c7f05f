import Addresses

/// The accesses of one run, in order; valid until its block is read anew.
public struct RunAccesses: RandomAccessCollection {
  let block: RecordingBlock
  let run: Int
  let first: Int
  /// How many there are.
  public let count: Int

  /// 0.
  public var startIndex: Int { 0 }
  /// `count`.
  public var endIndex: Int { count }

  /// Where access number `index` of the run falls, and how many bytes it stores.
  public subscript(index: Int) -> Place { block.place(checked(index)) }

  /// The guest-physical address of the first byte of an access.
  public func address(_ index: Int) -> GuestPhysicalAddress {
    GuestPhysicalAddress(block.runs[run].page.rawValue << 12 | UInt64(self[index].offset))
  }

  /// The instruction count of an access on its vCPU; needs `.clocks` and `.steps`.
  public func clock(_ index: Int) -> UInt64 {
    precondition(block.loaded.isSuperset(of: [.clocks, .steps]), "clocks and steps were not read")
    let firstStep = first - run
    return (0..<(checked(index) - first)).reduce(block.clocks[run]) { $0 &+ block.step(firstStep + $1) }
  }

  /// The storing instruction of an access; needs `.instructionPointers`.
  public func instructionPointer(_ index: Int) -> GuestLinearAddress {
    precondition(block.loaded.contains(.instructionPointers), "instruction pointers were not read")
    return GuestLinearAddress(block.instructionPointer(checked(index)))
  }

  /// The bytes stored by an access, little endian, or nil where they are not known; needs `.values`.
  public func value(_ index: Int) -> (low: UInt64, high: UInt64)? {
    precondition(block.loaded.contains(.values), "values were not read")
    let value = block.value(checked(index))
    return value.length == 0 ? nil : (value.low, value.high)
  }

  private func checked(_ index: Int) -> Int {
    precondition(index >= 0 && index < count, "no such access")
    return first + index
  }
}
